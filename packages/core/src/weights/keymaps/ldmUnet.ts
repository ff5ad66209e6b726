import type { KeyMap, KeyRule } from './KeyMap.js';

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

const RESNET_RULES: readonly KeyRule[] = [
  { from: '*.in_layers.0.weight', to: '*.norm1.weight' },
  { from: '*.in_layers.0.bias', to: '*.norm1.bias' },
  { from: '*.in_layers.2.weight', to: '*.conv1.weight' },
  { from: '*.in_layers.2.bias', to: '*.conv1.bias' },
  { from: '*.emb_layers.1.weight', to: '*.time_emb_proj.weight' },
  { from: '*.emb_layers.1.bias', to: '*.time_emb_proj.bias' },
  { from: '*.out_layers.0.weight', to: '*.norm2.weight' },
  { from: '*.out_layers.0.bias', to: '*.norm2.bias' },
  { from: '*.out_layers.3.weight', to: '*.conv2.weight' },
  { from: '*.out_layers.3.bias', to: '*.conv2.bias' },
  { from: '*.skip_connection.weight', to: '*.conv_shortcut.weight' },
  { from: '*.skip_connection.bias', to: '*.conv_shortcut.bias' },
];

/**
 * The UNet of the latent diffusion repositories (`openaimodel.py`), as in files of Stable Diffusion and SDXL. Its blocks are counted through: a resnet in each, an
 * attention beside it, and what changes the size in one of its own on the way down, in the last one of its level on the way up.
 */
export const ldmUnet: KeyMap = {
  blocks: blocksOf,
  rules: [
    { from: 'time_embed.0.*', to: 'time_embedding.linear_1.*' },
    { from: 'time_embed.2.*', to: 'time_embedding.linear_2.*' },
    { from: 'time_embed.cond_proj.*', to: 'time_embedding.cond_proj.*' },
    { from: 'label_emb.0.0.*', to: 'add_embedding.linear_1.*' },
    { from: 'label_emb.0.2.*', to: 'add_embedding.linear_2.*' },
    { from: 'input_blocks.0.0.*', to: 'conv_in.*' },
    { from: 'out.0.*', to: 'conv_norm_out.*' },
    { from: 'out.2.*', to: 'conv_out.*' },
    ...RESNET_RULES,
    { from: 'down_blocks.{b}.downsamplers.0.op.*', to: 'down_blocks.{b}.downsamplers.0.conv.*' },
    { from: 'down_blocks.*', to: 'down_blocks.*' },
    { from: 'mid_block.*', to: 'mid_block.*' },
    { from: 'up_blocks.*', to: 'up_blocks.*' },
  ],
};

function blocksOf(keys: Iterable<string>): ReadonlyMap<string, string> {
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
