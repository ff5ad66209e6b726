import type { Parameters } from './parseParameters.js';

/** What a picture's file is called: its prompt, and its seed. */
export function fileName(parameters: Parameters | undefined): string {
  const words = parameters?.prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['picture'];
  const seed = parameters?.settings.get('Seed');
  return `${words.slice(0, 8).join('-').slice(0, 60)}${seed === undefined ? '' : `-${seed}`}.png`;
}
