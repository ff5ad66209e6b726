import type { LoraScale } from '../LoraOptions.js';

/** A layer's place in a UNet. */
export interface BlockPlace {
  readonly way: 'down' | 'mid' | 'up';
  readonly block: number;
  /** The attention of the block whose scale it has. */
  readonly layer: number;
}

const DOWN_OR_UP =
  /^(?<way>down|up)_blocks\.(?<block>\d+)\.(?<kind>attentions|resnets|downsamplers|upsamplers)\.(?<layer>\d+)\./;

/**
 * Where a weight of a UNet lies, as diffusers counts for scales of blocks: resnets go with the attention of their number, samplers with the first one. `undefined` for
 * what no scale of a block is for: blocks without attention, the middle's resnets, everything outside of blocks.
 *
 * @param attending `down_blocks.1.` and so on: the blocks that have attention
 */
export function blockPlace(key: string, attending: ReadonlySet<string>): BlockPlace | undefined {
  if (key.startsWith('mid_block.attentions.')) return { way: 'mid', block: 0, layer: 0 };
  const { way, block, kind, layer } = DOWN_OR_UP.exec(key)?.groups ?? {};
  if (way === undefined || !attending.has(`${way}_blocks.${block}.`)) return undefined;
  const sampler = kind === 'downsamplers' || kind === 'upsamplers';
  return { way: way as 'down' | 'up', block: Number(block), layer: sampler ? 0 : Number(layer) };
}

/** The blocks of a UNet that have attention, by what keys of their weights begin with. */
export function attendingBlocks(keys: Iterable<string>): ReadonlySet<string> {
  return new Set(Array.from(keys, (key) => /^((?:down|up)_blocks\.\d+\.)attentions\./.exec(key)?.[1] ?? ''));
}

/** How strong a LoRA is at a place of a component; 1 where nothing is said of it. */
export function scaleAt(scale: LoraScale, component: string, place: BlockPlace | undefined): number {
  if (typeof scale === 'number') return scale;
  const own = scale[component] ?? 1;
  if (typeof own === 'number') return own;
  const way = place === undefined ? undefined : own[place.way];
  if (way === undefined || place === undefined) return 1;
  if (typeof way === 'number') return way;
  const block = way[`block_${place.block}`] ?? 1;
  return typeof block === 'number' ? block : (block[place.layer] ?? 1);
}
