import type { KeyMap } from './KeyMap.js';

/** The autoencoder of the latent diffusion repositories (`autoencoder.py`), and FLUX.2's after it, which has a batch norm and its last convolutions inside. Its attention is of 1×1 convolutions; the decoder's levels are counted from the smallest picture's end. */
export const ldmVae: KeyMap = {
  rules: [
    { from: 'encoder.down.{b}.block.{r}.nin_shortcut.*', to: 'encoder.down_blocks.{b}.resnets.{r}.conv_shortcut.*' },
    { from: 'encoder.down.{b}.block.{r}.*', to: 'encoder.down_blocks.{b}.resnets.{r}.*' },
    { from: 'encoder.down.{b}.downsample.conv.*', to: 'encoder.down_blocks.{b}.downsamplers.0.conv.*' },
    { from: 'decoder.up.{b}.block.{r}.nin_shortcut.*', to: 'decoder.up_blocks.{-b}.resnets.{r}.conv_shortcut.*' },
    { from: 'decoder.up.{b}.block.{r}.*', to: 'decoder.up_blocks.{-b}.resnets.{r}.*' },
    { from: 'decoder.up.{b}.upsample.conv.*', to: 'decoder.up_blocks.{-b}.upsamplers.0.conv.*' },
    ...(['encoder', 'decoder'] as const).flatMap((half) => [
      { from: `${half}.mid.block_1.*`, to: `${half}.mid_block.resnets.0.*` },
      { from: `${half}.mid.block_2.*`, to: `${half}.mid_block.resnets.1.*` },
      { from: `${half}.mid.attn_1.norm.*`, to: `${half}.mid_block.attentions.0.group_norm.*` },
      { from: `${half}.mid.attn_1.q.*`, to: `${half}.mid_block.attentions.0.to_q.*`, squeezed: true as const },
      { from: `${half}.mid.attn_1.k.*`, to: `${half}.mid_block.attentions.0.to_k.*`, squeezed: true as const },
      { from: `${half}.mid.attn_1.v.*`, to: `${half}.mid_block.attentions.0.to_v.*`, squeezed: true as const },
      {
        from: `${half}.mid.attn_1.proj_out.*`,
        to: `${half}.mid_block.attentions.0.to_out.0.*`,
        squeezed: true as const,
      },
      { from: `${half}.norm_out.*`, to: `${half}.conv_norm_out.*` },
      { from: `${half}.conv_in.*`, to: `${half}.conv_in.*` },
      { from: `${half}.conv_out.*`, to: `${half}.conv_out.*` },
    ]),
    { from: 'quant_conv.*', to: 'quant_conv.*' },
    { from: 'post_quant_conv.*', to: 'post_quant_conv.*' },
    { from: 'encoder.quant_conv.*', to: 'quant_conv.*' },
    { from: 'decoder.post_quant_conv.*', to: 'post_quant_conv.*' },
    { from: 'bn.*', to: 'bn.*' },
  ],
};
