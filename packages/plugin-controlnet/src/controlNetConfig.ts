import type { ModelConfig } from '@thimble/core/model';
import type { TensorView } from '@thimble/core/plugin';

/** Width of the text embeddings of Stable Diffusion 1, whose attentions have 8 heads each; those of all others have heads of 64 channels. */
const FIRST_WIDTH = 768;
/** Of SDXL, for a ControlNet that does not look at the text. */
const XL_WIDTH = 2048;
const HEAD_CHANNELS = 64;
/** Of SDXL's time ids. */
const TIME_CHANNELS = 256;

/** The config of a ControlNet by the names and shapes of its tensors, with diffusers' keys; nothing where they are not those of one. */
export function controlNetConfig(tensors: ReadonlyMap<string, TensorView>): ModelConfig | undefined {
  const shape = (key: string): readonly number[] => tensors.get(key)?.shape ?? [];
  const count = (nameOf: (i: number) => string): number => {
    let i = 0;
    while (tensors.has(nameOf(i))) i++;
    return i;
  };
  const levels = Array.from({ length: count((b) => `down_blocks.${b}.resnets.0.conv1.weight`) }, (_, b) => ({
    channels: shape(`down_blocks.${b}.resnets.0.conv1.weight`)[0] as number,
    layers: count((i) => `down_blocks.${b}.resnets.${i}.conv1.weight`),
    depth: count((i) => `down_blocks.${b}.attentions.0.transformer_blocks.${i}.attn2.to_k.weight`),
  }));
  const embedding = 'controlnet_cond_embedding';
  const [first, conditioning] = shape(`${embedding}.conv_in.weight`);
  if (levels.length === 0 || first === undefined) return undefined;
  const further = Array.from(
    { length: Math.floor(count((i) => `${embedding}.blocks.${i}.weight`) / 2) },
    (_, i) => shape(`${embedding}.blocks.${2 * i + 1}.weight`)[0] as number,
  );
  const attending = levels.findIndex(({ depth }) => depth > 0);
  const attention = `down_blocks.${attending}.attentions.0`;
  const added = shape('add_embedding.linear_1.weight')[1];
  const width =
    shape(`${attention}.transformer_blocks.0.attn2.to_k.weight`)[1] ?? (added === undefined ? FIRST_WIDTH : XL_WIDTH);
  const conditioned = shape('time_embedding.cond_proj.weight')[1];
  return {
    _class_name: 'ControlNetModel',
    in_channels: shape('conv_in.weight')[1],
    conditioning_channels: conditioning,
    conditioning_embedding_out_channels: [first, ...further],
    block_out_channels: levels.map(({ channels }) => channels),
    layers_per_block: levels.map(({ layers }) => layers),
    down_block_types: levels.map(({ depth }) => (depth > 0 ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    mid_block_type: tensors.has('mid_block.attentions.0.norm.weight') ? 'UNetMidBlock2DCrossAttn' : 'UNetMidBlock2D',
    transformer_layers_per_block: levels.map(({ depth }) => Math.max(1, depth)),
    attention_head_dim: width === FIRST_WIDTH ? 8 : levels.map(({ channels }) => Math.max(1, channels / HEAD_CHANNELS)),
    cross_attention_dim: width,
    use_linear_projection: shape(`${attention}.proj_in.weight`).length === 2,
    ...(added !== undefined && {
      addition_embed_type: 'text_time',
      addition_time_embed_dim: TIME_CHANNELS,
      projection_class_embeddings_input_dim: added,
    }),
    ...(conditioned !== undefined && { time_cond_proj_dim: conditioned }),
  };
}
