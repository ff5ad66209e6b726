import type { GraphContext } from '@thimble/core/plugin';

/** The tokens of an attention as they lie in the picture, row by row. */
export interface TokenGrid {
  readonly height: number;
  readonly width: number;
  /** How many times smaller than the latents: 1, 2, 4, 8. */
  readonly downsample: number;
}

/** The tokens that the attentions of a UNet's segment see; `undefined` for what is no attention of a UNet, and for parts of a graph that run by themselves. */
export function tokenGridOf({ segment, model, inputs }: GraphContext): TokenGrid | undefined {
  const [, path, block] = /^(down|up|mid)_blocks?\.(?:(\d+)\.)?attentions\./.exec(segment) ?? [];
  const { sample } = inputs ?? {};
  const channels = model.config['block_out_channels'];
  if (path === undefined || sample?.dims.length !== 4 || !Array.isArray(channels)) return undefined;
  const level = levelOf(path, Number(block), channels.length);
  const [height, width] = sample.dims.slice(2).map((side) => halved(side, level)) as [number, number];
  return { height, width, downsample: 2 ** level };
}

function levelOf(path: string, block: number, levels: number): number {
  if (path === 'mid') return levels - 1;
  return path === 'down' ? block : levels - 1 - block;
}

/** Convolutions with a stride of two round up. */
function halved(side: number, times: number): number {
  return times === 0 ? side : halved(Math.ceil(side / 2), times - 1);
}
