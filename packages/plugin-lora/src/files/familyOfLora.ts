import { sizeOf } from '../deltas/Delta.js';
import type { FileLayer } from './FileLayer.js';

/** What UNets' cross-attention reads: features of the text. */
const UNETS: Readonly<Record<number, string>> = {
  768: 'Stable Diffusion 1',
  1024: 'Stable Diffusion 2',
  1280: "Stable Diffusion XL's refiner",
  2048: 'Stable Diffusion XL',
};

/** Transformers, by what layers are called alone in them; the first that fits is taken. */
const TRANSFORMERS: readonly (readonly [RegExp, string])[] = [
  [/(?:noise|context)_refiner[._]|(?:^|[._])layers[._]\d+[._]attention[._]/, 'Z-Image'],
  [/to_qkv_mlp_proj|double_stream_modulation/, 'FLUX.2'],
  [/joint_blocks[._]/, 'Stable Diffusion 3'],
  [/transformer_blocks[._]\d+[._](?:img|txt)_(?:mlp|mod)/, 'Qwen-Image'],
  [/single_transformer_blocks[._]/, 'FLUX.1'],
  [/(?:^|unet_|transformer\.|model\.|lycoris_)blocks[._]\d+[._](?:(?:self|cross)_attn|attn[12])[._]/, 'Wan'],
];

/** FLUX.1's single blocks have queries, keys, values and a hidden layer of 4 widths in one matrix; FLUX.2's have 6. */
const FLUX_1_WIDTHS = 7;

/** For which models a LoRA was made, in words, as far as names and sizes of its layers say. */
export function familyOfLora(layers: readonly FileLayer[]): string {
  const known = TRANSFORMERS.find(([mark]) => layers.some(({ name }) => mark.test(name)))?.[1];
  if (known !== undefined) return known;
  const fused = layers.find(({ name }) => /single_blocks[._]\d+[._]linear1$/.test(name));
  if (fused !== undefined) {
    const [rows, columns] = sizeOf(fused.delta);
    return rows <= FLUX_1_WIDTHS * columns ? 'FLUX.1' : 'FLUX.2';
  }
  if (layers.some(({ name }) => /(?:double|single)_blocks[._]/.test(name))) return 'FLUX';
  const cross = layers.find(({ name }) => /attn2[._]to_[kv]$/.test(name));
  if (cross !== undefined) {
    const [, features] = sizeOf(cross.delta);
    return UNETS[features] ?? `a UNet whose text has ${features} features`;
  }
  if (layers.some(({ name }) => /(?:down|up|input|output|mid|middle)_blocks?[._]/.test(name))) return 'a UNet';
  if (layers.some(({ name }) => /transformer_blocks[._]\d+[._]attn[._]/.test(name)))
    return 'Stable Diffusion 3, FLUX or Qwen-Image';
  if (layers.every(({ name }) => /^(?:lora_te|text_encoder)/.test(name))) return 'a text encoder';
  return 'another family of models';
}
