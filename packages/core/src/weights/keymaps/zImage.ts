import type { KeyMap } from './KeyMap.js';

/** The patches that every published Z-Image has: 2 × 2 pixels of one frame. */
const PATCH = '2-1';

/** Z-Image's transformer as its authors' repository has it, and ComfyUI's files and community GGUF after it: queries, keys and values are fused. */
export const zImage: KeyMap = {
  rules: [
    { from: 'x_embedder.*', to: `all_x_embedder.${PATCH}.*` },
    { from: 'final_layer.*', to: `all_final_layer.${PATCH}.*` },
    ...['noise_refiner', 'context_refiner', 'layers'].flatMap((blocks) => {
      const attention = `${blocks}.{n}.attention`;
      return [
        { from: `${attention}.qkv.weight`, to: ['q', 'k', 'v'].map((name) => `${attention}.to_${name}.weight`) },
        { from: `${attention}.out.weight`, to: `${attention}.to_out.0.weight` },
        { from: `${attention}.q_norm.weight`, to: `${attention}.norm_q.weight` },
        { from: `${attention}.k_norm.weight`, to: `${attention}.norm_k.weight` },
        { from: `${blocks}.{n}.*`, to: `${blocks}.{n}.*` },
      ];
    }),
    { from: 't_embedder.*', to: 't_embedder.*' },
    { from: 'cap_embedder.*', to: 'cap_embedder.*' },
    { from: 'x_pad_token', to: 'x_pad_token' },
    { from: 'cap_pad_token', to: 'cap_pad_token' },
  ],
};
