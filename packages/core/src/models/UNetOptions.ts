import { ACTIVATION_NAMES, type ActivationName } from './blocks/activation.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';

const DOWN_BLOCKS = ['CrossAttnDownBlock2D', 'DownBlock2D'] as const;
const UP_BLOCKS = ['CrossAttnUpBlock2D', 'UpBlock2D'] as const;
const MID_BLOCKS = { UNetMidBlock2DCrossAttn: 'attention', UNetMidBlock2D: 'plain' } as const;
const MID_BLOCK_TYPES = ['UNetMidBlock2DCrossAttn', 'UNetMidBlock2D'] as const;
const CLASS_EMBED_TYPES = ['timestep', 'identity', 'projection', 'simple_projection'] as const;

/** The config of a `UNet2DConditionModel`, checked, with one entry per block where diffusers takes a number or a list. */
export interface UNetOptions {
  readonly inChannels: number;
  /** Height and width of the latents that it was trained for. */
  readonly sampleSize: readonly [number, number];
  readonly outChannels: number;
  readonly blockOutChannels: readonly number[];
  readonly downBlockTypes: readonly (typeof DOWN_BLOCKS)[number][];
  readonly upBlockTypes: readonly (typeof UP_BLOCKS)[number][];
  readonly layersPerBlock: readonly number[];
  /** Layers of each attention, for each block of the down path and of the up path, and in the middle. */
  readonly transformerLayers: {
    readonly down: readonly (readonly number[])[];
    readonly mid: number;
    readonly up: readonly (readonly number[])[];
  };
  readonly heads: readonly number[];
  readonly crossAttentionDim: readonly number[];
  readonly onlyCrossAttention: readonly boolean[];
  readonly useLinearProjection: boolean;
  readonly groups: number;
  readonly epsilon: number;
  readonly activation: ActivationName;
  readonly timeScaleShift: 'default' | 'scale_shift';
  readonly timeChannels: number;
  readonly timeConditionChannels: number | undefined;
  readonly flipSinToCos: boolean;
  readonly frequencyShift: number;
  readonly downsamplePadding: number;
  /** Whether there is a block in the middle, and whether it attends: distilled models leave out one or both. */
  readonly midBlock: 'attention' | 'plain' | undefined;
  readonly midBlockScaleFactor: number;
  readonly convInKernel: number;
  readonly convOutKernel: number;
  readonly centerInputSample: boolean;
  /** 'table' is `num_class_embeds`. */
  readonly classEmbedType: 'table' | (typeof CLASS_EMBED_TYPES)[number] | undefined;
  readonly classes: number | undefined;
  readonly classProjectionChannels: number | undefined;
  readonly classEmbeddingsConcat: boolean;
  /** What SDXL is conditioned on beside the text: pooled embeddings and sizes of the picture. */
  readonly textTime: { readonly timeDim: number; readonly projectionDim: number } | undefined;
}

/** Reads the config of a `UNet2DConditionModel`, or of `className`, which has its fields. @throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field */
export function readUNetOptions(config: ModelConfig, className = 'UNet2DConditionModel'): UNetOptions {
  const reader = new ConfigReader(className, config);
  refuseOtherTopologies(reader);
  const blockOutChannels = reader.sizes('block_out_channels', undefined, [320, 640, 1280, 1280]);
  const count = blockOutChannels.length;
  const downBlockTypes = reader.names('down_block_types', DOWN_BLOCKS, [
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'CrossAttnDownBlock2D',
    'DownBlock2D',
  ]);
  const upBlockTypes = reader.names('up_block_types', UP_BLOCKS, [
    'UpBlock2D',
    'CrossAttnUpBlock2D',
    'CrossAttnUpBlock2D',
    'CrossAttnUpBlock2D',
  ]);
  for (const [field, types] of [
    ['down_block_types', downBlockTypes],
    ['up_block_types', upBlockTypes],
  ] as const) {
    if (types.length !== count) reader.unsupported(field, types, `${count} blocks, one for each of block_out_channels`);
  }
  const groups = reader.size('norm_num_groups', 32);
  const heads = reader.sizes('attention_head_dim', count, 8);
  for (const [i, channels] of blockOutChannels.entries()) {
    if (channels % groups !== 0)
      reader.unsupported(
        'norm_num_groups',
        groups,
        `a divisor of each of block_out_channels, ${blockOutChannels.join(', ')}`,
      );
    const attends =
      i === count - 1 ||
      downBlockTypes[i] === 'CrossAttnDownBlock2D' ||
      upBlockTypes[count - 1 - i] === 'CrossAttnUpBlock2D';
    if (attends && channels % (heads[i] as number) !== 0)
      reader.unsupported(
        'attention_head_dim',
        heads,
        `numbers of heads that divide block_out_channels, ${blockOutChannels.join(', ')}`,
      );
  }
  const layersPerBlock = reader.counts('layers_per_block', count, 2);
  return {
    blockOutChannels,
    layersPerBlock,
    downBlockTypes,
    upBlockTypes,
    groups,
    heads,
    inChannels: reader.size('in_channels', 4),
    sampleSize: reader.sides('sample_size', 2, 64) as readonly [number, number],
    outChannels: reader.size('out_channels', 4),
    transformerLayers: readTransformerLayers(reader, layersPerBlock),
    crossAttentionDim: reader.sizes('cross_attention_dim', count, 1280),
    onlyCrossAttention: reader.flags('only_cross_attention', count, false),
    useLinearProjection: reader.flag('use_linear_projection', false),
    epsilon: reader.number('norm_eps', 1e-5),
    activation: reader.oneOf('act_fn', ACTIVATION_NAMES, 'silu'),
    timeScaleShift: reader.oneOf('resnet_time_scale_shift', ['default', 'scale_shift'], 'default'),
    timeChannels: reader.size('time_embedding_dim', 4 * (blockOutChannels[0] as number)),
    timeConditionChannels: reader.has('time_cond_proj_dim') ? reader.size('time_cond_proj_dim') : undefined,
    flipSinToCos: reader.flag('flip_sin_to_cos', true),
    frequencyShift: reader.number('freq_shift', 0),
    downsamplePadding: reader.number('downsample_padding', 1),
    midBlock:
      config['mid_block_type'] === null
        ? undefined
        : MID_BLOCKS[reader.oneOf('mid_block_type', MID_BLOCK_TYPES, 'UNetMidBlock2DCrossAttn')],
    midBlockScaleFactor: reader.number('mid_block_scale_factor', 1),
    convInKernel: reader.size('conv_in_kernel', 3),
    convOutKernel: reader.size('conv_out_kernel', 3),
    centerInputSample: reader.flag('center_input_sample', false),
    ...readClassOptions(reader),
    textTime: readTextTime(reader),
  };
}

/** The up path has the numbers of the down path the other way round, unless its own are given, as they must be where a block's attentions differ. */
function readTransformerLayers(
  reader: ConfigReader,
  layersPerBlock: readonly number[],
): UNetOptions['transformerLayers'] {
  const down = reader.countsInBlocks('transformer_layers_per_block', layersPerBlock, 1);
  const upCounts = layersPerBlock.toReversed().map((layers) => layers + 1);
  const reversed = 'reverse_transformer_layers_per_block';
  const mirrored = (): (readonly number[])[] =>
    down.toReversed().map((layers, i) => {
      if (new Set(layers).size > 1)
        reader.unsupported(
          reversed,
          null,
          'a list, because the attentions of a block differ in transformer_layers_per_block',
        );
      return Array.from({ length: upCounts[i] as number }, () => layers[0] as number);
    });
  return {
    down,
    mid: down.at(-1)?.[0] as number,
    up: reader.has(reversed) ? reader.countsInBlocks(reversed, upCounts) : mirrored(),
  };
}

function readTextTime(reader: ConfigReader): UNetOptions['textTime'] {
  if (!reader.has('addition_embed_type')) return undefined;
  reader.oneOf('addition_embed_type', ['text_time']);
  return {
    timeDim: reader.size('addition_time_embed_dim'),
    projectionDim: reader.size('projection_class_embeddings_input_dim'),
  };
}

function readClassOptions(
  reader: ConfigReader,
): Pick<UNetOptions, 'classEmbedType' | 'classes' | 'classProjectionChannels' | 'classEmbeddingsConcat'> {
  const named = reader.has('class_embed_type') ? reader.oneOf('class_embed_type', CLASS_EMBED_TYPES) : undefined;
  const classes = reader.has('num_class_embeds') ? reader.size('num_class_embeds') : undefined;
  const projected = named === 'projection' || named === 'simple_projection';
  return {
    classes,
    classEmbedType: named ?? (classes === undefined ? undefined : 'table'),
    classProjectionChannels: projected ? reader.size('projection_class_embeddings_input_dim') : undefined,
    classEmbeddingsConcat: reader.flag('class_embeddings_concat', false),
  };
}

/** Fields whose other values change the computation in ways that are not implemented. */
function refuseOtherTopologies(reader: ConfigReader): void {
  if (reader.has('num_attention_heads'))
    reader.unsupported(
      'num_attention_heads',
      'a value',
      'null: diffusers takes the number of heads from attention_head_dim',
    );
  reader.only('dual_cross_attention', false);
  reader.only('encoder_hid_dim_type', null);
  reader.only('encoder_hid_dim', null);
  reader.only('attention_type', 'default');
  reader.only('time_embedding_type', 'positional');
  reader.only('time_embedding_act_fn', null);
  reader.only('timestep_post_act', null);
  reader.only('resnet_skip_time_act', false);
  reader.only('resnet_out_scale_factor', 1);
  reader.only('cross_attention_norm', null);
  reader.only('mid_block_only_cross_attention', null, false);
  // Blocks that halve a picture fit what goes up again with these alone.
  reader.only('downsample_padding', 1, 0);
}
