/** Whose layer a file means, and what it calls it there. */
export interface SplitName {
  /** Names of components that it may be one of, as a pattern. */
  readonly components: RegExp;
  readonly layer: string;
}

const DENOISER = /^(?:unet|transformer)(?:_\d+)?$/;
const ANY = /^/;

/** What stands before the names of layers: that of a component. */
const PREFIXES: readonly (readonly [RegExp, RegExp])[] = [
  [/^(?:lora_unet_|lora_transformer_|unet\.|transformer\.|(?:model\.)?diffusion_model\.)/, DENOISER],
  [/^(?:lora_te1?_|text_encoder\.)/, /^text_encoder$/],
  [/^(?:lora_te2_|text_encoder_2\.)/, /^text_encoder_2$/],
  // T5 is the third of Stable Diffusion 3, and the second of FLUX.1.
  [/^(?:lora_te3_|text_encoder_3\.)/, /^text_encoder_[23]$/],
  [/^(?:lycoris_|base_model\.model\.)/, ANY],
];

/** The ways to read a name: by each prefix that it has, or with none. */
export function splitName(name: string): readonly SplitName[] {
  const found = PREFIXES.flatMap(([prefix, components]) => {
    const length = prefix.exec(name)?.[0].length;
    return length === undefined ? [] : [{ components, layer: name.slice(length) }];
  });
  return found.length > 0 ? found : [{ components: ANY, layer: name }];
}
