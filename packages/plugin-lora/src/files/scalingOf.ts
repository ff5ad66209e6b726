/**
 * What a layer's change is multiplied with where the file has no alpha for it: 1, unless diffusers wrote PEFT's configuration into the header
 * (source: diffusers loaders/lora_base.py, `lora_adapter_metadata`; peft tuners/lora/layer.py).
 *
 * @param layer what the file calls it; begins with the component's name there
 */
export function scalingOf(metadata: Readonly<Record<string, unknown>>, layer: string, rank: number): number {
  const config = adapterConfig(metadata);
  const component = layer.slice(0, layer.indexOf('.'));
  const own = (field: string): unknown => config[`${component}.${field}`] ?? config[field];
  const alpha = patternOf(own('alpha_pattern'), layer) ?? own('lora_alpha');
  if (typeof alpha !== 'number') return 1;
  return own('use_rslora') === true ? alpha / Math.sqrt(rank) : alpha / rank;
}

function adapterConfig({
  lora_adapter_metadata: text,
}: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (typeof text !== 'string') return {};
  try {
    const config: unknown = JSON.parse(text);
    return typeof config === 'object' && config !== null ? (config as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}

/** The entry whose name the layer's ends with. */
function patternOf(patterns: unknown, layer: string): unknown {
  if (typeof patterns !== 'object' || patterns === null) return undefined;
  return Object.entries(patterns).find(([name]) => layer === name || layer.endsWith(`.${name}`))?.[1];
}
