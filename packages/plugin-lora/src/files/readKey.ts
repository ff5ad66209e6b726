/** What a tensor of a LoRA file is of a layer's change. */
export type FactorName =
  | 'down'
  | 'up'
  | 'mid'
  | 'alpha'
  | 'magnitude'
  | `hada_${'w1_a' | 'w1_b' | 'w2_a' | 'w2_b' | 't1' | 't2'}`
  | `lokr_${'w1' | 'w1_a' | 'w1_b' | 'w2' | 'w2_a' | 'w2_b' | 't2'}`;

/** A key, taken apart. */
export interface LoraKey {
  /** What the file calls the layer. */
  readonly layer: string;
  readonly factor: FactorName;
}

/** How tensors are called behind the layer's name: kohya's scripts, PEFT, diffusers before PEFT, LyCORIS. */
const ENDINGS: readonly (readonly [RegExp, (found: string) => FactorName])[] = [
  [/\.(?:lora_down|lora_A(?:\.\w+)?|lora\.down|lora_linear_layer\.down)\.weight$/, () => 'down'],
  [/\.(?:lora_up|lora_B(?:\.\w+)?|lora\.up|lora_linear_layer\.up)\.weight$/, () => 'up'],
  [/\.lora_mid\.weight$/, () => 'mid'],
  [/\.alpha$/, () => 'alpha'],
  [/\.(?:dora_scale|lora_magnitude_vector(?:\.\w+)*)$/, () => 'magnitude'],
  [/\.(hada_(?:w[12]_[ab]|t[12])|lokr_(?:w[12](?:_[ab])?|t2))$/, (found) => found as FactorName],
];

/** Attention processors of diffusers before PEFT: `attn1.processor.to_out_lora.down.weight`. */
const PROCESSOR = /^(?<module>.*?)(?:\.processor)?\.(?<name>to_(?:q|k|v|out))_lora\.(?<factor>down|up)\.weight$/;

/** Takes a key apart; `undefined` for one that is no part of a LoRA. */
export function readKey(key: string): LoraKey | undefined {
  const processor = PROCESSOR.exec(key)?.groups;
  if (processor !== undefined) {
    const { module, name, factor } = processor as { module: string; name: string; factor: 'down' | 'up' };
    return { layer: `${module}.${name === 'to_out' ? 'to_out.0' : name}`, factor };
  }
  for (const [ending, factorOf] of ENDINGS) {
    const found = ending.exec(key);
    if (found !== null) return { layer: key.slice(0, found.index), factor: factorOf(found[1] ?? '') };
  }
  return undefined;
}
