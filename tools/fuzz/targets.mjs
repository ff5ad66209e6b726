/**
 * What is fuzzed, by name. Each module has `count`, its share of a million inputs, and `open(sandbox)`, which gives `{ inputs, tryOne(input), close() }`: a fast-check arbitrary, what
 * becomes of one input, in words, and an end. Whatever `tryOne` throws is a failure.
 */
export const TARGETS = {
  headers: async () => import('./headers.mjs'),
  configs: async () => import('./configs.mjs'),
  indices: async () => import('./indices.mjs'),
  tokenizers: async () => import('./tokenizers.mjs'),
  schedulers: async () => import('./schedulers.mjs'),
  loras: async () => import('./loras.mjs'),
  inversions: async () => import('./inversions.mjs'),
  images: async () => import('./images.mjs'),
  options: async () => import('./options.mjs'),
  arguments: async () => import('./arguments.mjs'),
  requests: async () => import('./requests.mjs'),
};
