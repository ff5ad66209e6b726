/** By the kind of layer that a block of the original begins with. */
const RESNET = /^(?<block>(?:(?:input|output)_blocks\.\d+|middle_block)\.\d+\.)in_layers\./;
const ATTENTION = /^(?<block>(?:(?:input|output)_blocks\.\d+|middle_block)\.\d+\.)transformer_blocks\./;
const DOWNSAMPLER = /^(?<block>input_blocks\.\d+\.\d+\.)op\./;
const UPSAMPLER = /^(?<block>output_blocks\.\d+\.\d+\.)conv\./;

type Kind = 'resnets' | 'attentions' | 'downsamplers' | 'upsamplers';

const KINDS: readonly (readonly [RegExp, Kind])[] = [
  [RESNET, 'resnets'],
  [ATTENTION, 'attentions'],
  [DOWNSAMPLER, 'downsamplers'],
  [UPSAMPLER, 'upsamplers'],
];

/**
 * The blocks of the original as diffusers counts them, by what keys begin with: `input_blocks.4.1.` → `down_blocks.1.attentions.0.`. They are counted through there: a resnet in each, an
 * attention beside it, and what changes the size in one of its own on the way down, in the last one of its level on the way up.
 */
export function diffusersBlocks(keys: Iterable<string>): ReadonlyMap<string, string> {
  const kinds = new Map<string, Kind>();
  for (const key of keys)
    for (const [pattern, kind] of KINDS) {
      const block = pattern.exec(key)?.groups?.['block'];
      if (block !== undefined) kinds.set(block, kind);
    }
  return new Map([
    ...levels(kinds, 'input_blocks', 'down_blocks'),
    ...middle(kinds),
    ...levels(kinds, 'output_blocks', 'up_blocks'),
  ]);
}

/** Blocks that are counted through, as levels: one ends with what changes the size. */
function levels(kinds: ReadonlyMap<string, Kind>, from: string, to: string): readonly (readonly [string, string])[] {
  const blocks = [...kinds].flatMap(([block, kind]) => {
    const [name, index, part] = block.split('.');
    return name === from ? [{ block, kind, index: Number(index), part: Number(part) }] : [];
  });
  blocks.sort((a, b) => a.index - b.index || a.part - b.part);
  const named: (readonly [string, string])[] = [];
  let [level, layer] = [0, -1];
  let before = -1;
  for (const [at, { block, kind, index }] of blocks.entries()) {
    if (index !== before && kind !== 'downsamplers') layer++;
    before = index;
    const resizes = kind === 'downsamplers' || kind === 'upsamplers';
    named.push([block, `${to}.${level}.${kind}.${resizes ? 0 : layer}.`]);
    if (resizes && blocks[at + 1]?.index !== index) [level, layer] = [level + 1, -1];
  }
  return named;
}

function middle(kinds: ReadonlyMap<string, Kind>): readonly (readonly [string, string])[] {
  const blocks = [...kinds.keys()].filter((block) => block.startsWith('middle_block.')).toSorted();
  const ofKind = (kind: Kind | undefined): readonly string[] => blocks.filter((block) => kinds.get(block) === kind);
  return blocks.map((block) => {
    const kind = kinds.get(block);
    return [block, `mid_block.${kind}.${ofKind(kind).indexOf(block)}.`] as const;
  });
}

/** The same the other way round: `down_blocks.1.attentions.0.` → `input_blocks.4.1.`. */
export function originalBlocks(keys: Iterable<string>): ReadonlyMap<string, string> {
  const starts = new Set(
    Array.from(keys, (key) => /^(?:(?:down|up)_blocks\.\d+|mid_block)\.\w+\.\d+\./.exec(key)?.[0]),
  );
  const has = (start: string): boolean => starts.has(start);
  const down = originalLevels('down_blocks', has);
  const up = originalLevels('up_blocks', has);
  return new Map([
    ...down.map(([block, i, part]) => [block, `input_blocks.${i + 1}.${part}.`] as const),
    ['mid_block.resnets.0.', 'middle_block.0.'] as const,
    ['mid_block.attentions.0.', 'middle_block.1.'] as const,
    ['mid_block.resnets.1.', 'middle_block.2.'] as const,
    ...up.map(([block, i, part]) => [block, `output_blocks.${i}.${part}.`] as const),
  ]);
}

/** Blocks of one way, with their count and their part in it. */
function originalLevels(
  way: 'down_blocks' | 'up_blocks',
  has: (start: string) => boolean,
): readonly (readonly [block: string, index: number, part: number])[] {
  const blocks: (readonly [string, number, number])[] = [];
  let index = 0;
  for (let level = 0; has(`${way}.${level}.resnets.0.`); level++) {
    const start = `${way}.${level}`;
    for (let layer = 0; has(`${start}.resnets.${layer}.`); layer++, index++) {
      blocks.push([`${start}.resnets.${layer}.`, index, 0]);
      if (has(`${start}.attentions.${layer}.`)) blocks.push([`${start}.attentions.${layer}.`, index, 1]);
    }
    if (has(`${start}.downsamplers.0.`)) blocks.push([`${start}.downsamplers.0.`, index++, 0]);
    if (has(`${start}.upsamplers.0.`))
      blocks.push([`${start}.upsamplers.0.`, index - 1, has(`${start}.attentions.0.`) ? 2 : 1]);
  }
  return blocks;
}
