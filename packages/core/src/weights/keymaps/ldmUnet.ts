import type { KeyMap } from './KeyMap.js';
import type { KeyRule } from './KeyRule.js';
import { diffusersBlocks, originalBlocks } from './ldmUnetBlocks.js';

/** What the layers of a resnet are called: original, diffusers'. */
const RESNET: readonly (readonly [string, string])[] = [
  ['in_layers.0', 'norm1'],
  ['in_layers.2', 'conv1'],
  ['emb_layers.1', 'time_emb_proj'],
  ['out_layers.0', 'norm2'],
  ['out_layers.3', 'conv2'],
  ['skip_connection', 'conv_shortcut'],
];

/** The UNet of the latent diffusion repositories (`openaimodel.py`), as in files of Stable Diffusion and SDXL. */
export const ldmUnet: KeyMap = {
  blocks: diffusersBlocks,
  originalBlocks,
  rules: [
    { from: 'time_embed.0.*', to: 'time_embedding.linear_1.*' },
    { from: 'time_embed.2.*', to: 'time_embedding.linear_2.*' },
    { from: 'time_embed.cond_proj.*', to: 'time_embedding.cond_proj.*' },
    { from: 'label_emb.0.0.*', to: 'add_embedding.linear_1.*' },
    { from: 'label_emb.0.2.*', to: 'add_embedding.linear_2.*' },
    { from: 'input_blocks.0.0.*', to: 'conv_in.*' },
    { from: 'out.0.*', to: 'conv_norm_out.*' },
    { from: 'out.2.*', to: 'conv_out.*' },
    ...['down_blocks.{b}', 'mid_block', 'up_blocks.{b}'].flatMap((way) =>
      RESNET.map(([from, to]): KeyRule => ({ from: `${way}.resnets.{r}.${from}.*`, to: `${way}.resnets.{r}.${to}.*` })),
    ),
    { from: 'down_blocks.{b}.downsamplers.0.op.*', to: 'down_blocks.{b}.downsamplers.0.conv.*' },
    { from: 'down_blocks.*', to: 'down_blocks.*' },
    { from: 'mid_block.*', to: 'mid_block.*' },
    { from: 'up_blocks.*', to: 'up_blocks.*' },
  ],
};
