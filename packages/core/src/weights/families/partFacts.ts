import type { JsonObject } from '../../disk/readJsonFile.js';
import type { WeightStore } from '../WeightStore.js';
import type { PartFacts } from './ModelFamily.js';
import { transformerConfigFacts, transformerFacts } from './transformerFacts.js';

/** What T5's sizes are called. */
const T5_FIELDS = ['vocab_size', 'd_model', 'd_ff'];

/** Read off the names and shapes of a component's tensors, by diffusers' keys. */
export function factsOfWeights(component: string, store: WeightStore): PartFacts {
  if (component === 'unet') return unetFacts(store);
  if (component === 'vae') return vaeFacts(store);
  if (component === 'transformer') return transformerFacts(store);
  return textEncoderFacts(store);
}

/** The same facts as a config says them. */
export function factsOfConfig(component: string, config: JsonObject): PartFacts {
  if (component === 'unet') return unetConfigFacts(config);
  if (component === 'transformer') return transformerConfigFacts(config);
  if (component.startsWith('text_encoder') && 'd_model' in config) return pick(config, T5_FIELDS);
  const width = component === 'vae' ? 'block_out_channels' : 'hidden_size';
  const fields =
    component === 'vae' ? ['in_channels', 'latent_channels', width] : ['vocab_size', width, 'intermediate_size'];
  return pick(config, fields);
}

function unetFacts(store: WeightStore): PartFacts {
  const sizes = (key: string): readonly number[] => store.find(key)?.shape ?? [];
  // Not an array: whatever number a key has would be its length.
  const depths = new Map<number, number>();
  let context: number | undefined;
  for (const key of store.keys()) {
    const [, level, block] = /^down_blocks\.(\d+)\.(?:attentions\.\d+\.transformer_blocks\.(\d+)\.)?/.exec(key) ?? [];
    if (level === undefined) continue;
    const depth = block === undefined ? 0 : Number(block) + 1;
    depths.set(Number(level), Math.max(depths.get(Number(level)) ?? 0, depth));
    if (key.endsWith('.attn2.to_k.weight')) context ??= sizes(key)[1];
  }
  return {
    in_channels: sizes('conv_in.weight')[1] ?? 0,
    block_out_channels: sizes('conv_in.weight')[0] ?? 0,
    cross_attention_dim: context ?? 0,
    transformer_layers: Array.from({ length: depths.size }, (_, level) => depths.get(level) ?? 0),
    projection_class_embeddings_input_dim: sizes('add_embedding.linear_1.weight')[1] ?? 0,
    num_class_embeds: sizes('class_embedding.weight')[0] ?? 0,
  };
}

function unetConfigFacts(config: JsonObject): PartFacts {
  const channels = config['block_out_channels'] as readonly number[];
  const types = config['down_block_types'] as readonly string[];
  const layers = config['transformer_layers_per_block'] ?? 1;
  const number = (field: string): number => Number(config[field] ?? 0);
  return {
    in_channels: number('in_channels'),
    block_out_channels: channels[0] ?? 0,
    cross_attention_dim: number('cross_attention_dim'),
    transformer_layers: types.map((type, level) =>
      type.startsWith('CrossAttn') ? Number(Array.isArray(layers) ? layers[level] : layers) : 0,
    ),
    projection_class_embeddings_input_dim: number('projection_class_embeddings_input_dim'),
    num_class_embeds: number('num_class_embeds'),
  };
}

function vaeFacts(store: WeightStore): PartFacts {
  const shape = (key: string): readonly number[] => store.find(key)?.shape ?? [];
  return {
    in_channels: shape('encoder.conv_in.weight')[1] ?? 3,
    latent_channels: shape('decoder.conv_in.weight')[1] ?? 0,
    block_out_channels: levelsOf(store),
  };
}

/** Channels of the decoder's levels, from the picture's end. */
function levelsOf(store: WeightStore): readonly number[] {
  const channels: number[] = [];
  for (let level = 0; ; level++) {
    const view = store.find(`decoder.up_blocks.${level}.resnets.0.conv1.weight`);
    if (view === undefined) return channels.toReversed();
    channels.push(view.shape[0] as number);
  }
}

function textEncoderFacts(store: WeightStore): PartFacts {
  const table = store.find('shared.weight') ?? store.find('encoder.embed_tokens.weight');
  if (table !== undefined) return t5Facts(table.shape, store);
  const shape = (...keys: readonly string[]): readonly number[] => {
    const found = keys.flatMap((key) =>
      ['', 'text_model.', 'model.'].flatMap((start) => store.find(start + key) ?? []),
    );
    return found[0]?.shape ?? [];
  };
  // CLIP's, or Qwen3's.
  const [vocabulary = 0, width = 0] = shape('embeddings.token_embedding.weight', 'embed_tokens.weight');
  const [inner = 0] = shape('encoder.layers.0.mlp.fc1.weight', 'layers.0.mlp.gate_proj.weight');
  return { vocab_size: vocabulary, hidden_size: width, intermediate_size: inner };
}

function t5Facts([vocabulary = 0, width = 0]: readonly number[], store: WeightStore): PartFacts {
  const [inner = 0] = store.find('encoder.block.0.layer.1.DenseReluDense.wo.weight')?.shape.toReversed() ?? [];
  return { vocab_size: vocabulary, d_model: width, d_ff: inner };
}

function pick(config: JsonObject, fields: readonly string[]): PartFacts {
  return Object.fromEntries(fields.map((field) => [field, config[field] as number | readonly number[]]));
}
