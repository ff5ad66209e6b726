import { type Model, type Parameter } from '@thimble/core/model';
import { IPAdapterError } from './IPAdapterError.js';
import type { ImageKeys, IPAdapterFile } from './openIPAdapter.js';

const CROSS_ATTENTION = /^(\w+)\..*\.attn2(?=\.to_k\.weight$)/;

/** Files count cross-attentions in the order of diffusers' modules. */
const PARTS = ['down_blocks', 'up_blocks', 'mid_block'];

/**
 * The keys and values of each cross-attention of a UNet, by its dotted name.
 *
 * @throws IPAdapterError ERR_IP_ADAPTER_UNET where there are others, or others are as wide
 */
export function layersByAttention(
  model: Pick<Model, 'parameters'>,
  { file, layers }: IPAdapterFile,
): ReadonlyMap<string, ImageKeys> {
  const found = model.parameters.flatMap((parameter) => {
    const match = CROSS_ATTENTION.exec(parameter.key);
    return match === null ? [] : [{ attention: match[0], parameter, part: PARTS.indexOf(match[1] ?? '') }];
  });
  const attentions = found.toSorted((a, b) => a.part - b.part);
  if (attentions.length !== layers.length)
    throw new IPAdapterError('ERR_IP_ADAPTER_UNET', {
      file,
      got: `${layers.length} layers`,
      expected: `${attentions.length}`,
    });
  return new Map(
    attentions.map(({ attention, parameter }, i) => {
      const layer = layers[i] as ImageKeys;
      checkShape(file, attention, layer, parameter);
      return [attention, layer];
    }),
  );
}

function checkShape(file: string, attention: string, { key, value }: ImageKeys, { shape }: Parameter): void {
  const wrong = [key, value].find((view) => view.shape.join() !== shape.join());
  if (wrong === undefined) return;
  const shown = (sizes: readonly number[]): string => `[${sizes.join(', ')}]`;
  throw new IPAdapterError('ERR_IP_ADAPTER_UNET', {
    file,
    got: `${wrong.name} ${shown(wrong.shape)}`,
    expected: `${shown(shape)} for ${attention}`,
  });
}
