import type { JsonObject } from '../../disk/readJsonFile.js';
import type { WeightStore } from '../WeightStore.js';
import type { PartFacts } from './ModelFamily.js';

/** A class of transformers that are told by their tensors. */
interface TransformerKind {
  readonly className: string;
  /** A key that no class after it has. */
  readonly mark: string;
  readonly ofWeights: (weights: TransformerWeights) => PartFacts;
  readonly ofConfig: (field: (name: string) => number, config: JsonObject) => PartFacts;
}

/** Sizes of a transformer's weights. */
interface TransformerWeights {
  /** 0 for a tensor that is not there. */
  readonly size: (key: string, axis: number) => number;
  /** How many blocks there are in a list. */
  readonly blocks: (list: string) => number;
}

/** A new class takes an entry. */
const KINDS: readonly TransformerKind[] = [
  {
    className: 'SD3Transformer2DModel',
    mark: 'pos_embed.pos_embed',
    ofWeights: ({ size, blocks }) => ({
      num_layers: blocks('transformer_blocks'),
      inner_dim: size('pos_embed.pos_embed', 2),
      pos_embed_max_size: Math.sqrt(size('pos_embed.pos_embed', 1)),
      joint_attention_dim: size('context_embedder.weight', 1),
      second_attention: Math.sign(size('transformer_blocks.0.attn2.to_q.weight', 0)),
      qk_norm: Math.sign(size('transformer_blocks.0.attn.norm_q.weight', 0)),
    }),
    ofConfig: (field, config) => ({
      num_layers: field('num_layers'),
      inner_dim: field('num_attention_heads') * field('attention_head_dim'),
      pos_embed_max_size: field('pos_embed_max_size'),
      joint_attention_dim: field('joint_attention_dim'),
      second_attention: Array.isArray(config['dual_attention_layers']) ? 1 : 0,
      qk_norm: config['qk_norm'] == null ? 0 : 1,
    }),
  },
  {
    className: 'ZImageTransformer2DModel',
    mark: 'all_x_embedder.2-1.weight',
    ofWeights: ({ size, blocks }) => ({
      n_layers: blocks('layers'),
      n_refiner_layers: blocks('noise_refiner'),
      dim: size('all_x_embedder.2-1.weight', 0),
      cap_feat_dim: size('cap_embedder.1.weight', 1),
    }),
    ofConfig: (field) => ({
      n_layers: field('n_layers'),
      n_refiner_layers: field('n_refiner_layers'),
      dim: field('dim'),
      cap_feat_dim: field('cap_feat_dim'),
    }),
  },
  {
    className: 'Flux2Transformer2DModel',
    mark: 'double_stream_modulation_img.linear.weight',
    ofWeights: ({ size, blocks }) => ({
      in_channels: size('x_embedder.weight', 1),
      inner_dim: size('x_embedder.weight', 0),
      joint_attention_dim: size('context_embedder.weight', 1),
      num_layers: blocks('transformer_blocks'),
      num_single_layers: blocks('single_transformer_blocks'),
    }),
    ofConfig: (field) => ({
      in_channels: field('in_channels'),
      inner_dim: field('num_attention_heads') * field('attention_head_dim'),
      joint_attention_dim: field('joint_attention_dim'),
      num_layers: field('num_layers'),
      num_single_layers: field('num_single_layers'),
    }),
  },
  {
    className: 'FluxTransformer2DModel',
    mark: 'time_text_embed.text_embedder.linear_1.weight',
    ofWeights: ({ size, blocks }) => ({
      in_channels: size('x_embedder.weight', 1),
      inner_dim: size('x_embedder.weight', 0),
      joint_attention_dim: size('context_embedder.weight', 1),
      pooled_projection_dim: size('time_text_embed.text_embedder.linear_1.weight', 1),
      num_layers: blocks('transformer_blocks'),
      num_single_layers: blocks('single_transformer_blocks'),
      guidance_embeds: Math.sign(size('time_text_embed.guidance_embedder.linear_1.weight', 0)),
    }),
    ofConfig: (field) => ({
      in_channels: field('in_channels'),
      inner_dim: field('num_attention_heads') * field('attention_head_dim'),
      joint_attention_dim: field('joint_attention_dim'),
      pooled_projection_dim: field('pooled_projection_dim'),
      num_layers: field('num_layers'),
      num_single_layers: field('num_single_layers'),
      guidance_embeds: field('guidance_embeds'),
    }),
  },
];

/** What tells a transformer from others of its class, by diffusers' keys; nothing of a class of which no family is known: its config comes from a folder. */
export function transformerFacts(store: WeightStore): PartFacts {
  const kind = KINDS.find(({ mark }) => store.find(mark) !== undefined);
  if (kind === undefined) return {};
  const blocks = (list: string): number => {
    const numbers = [...store.keys()].flatMap((key) =>
      key.startsWith(`${list}.`) ? [Number.parseInt(key.slice(list.length + 1), 10)] : [],
    );
    return Math.max(-1, ...numbers) + 1;
  };
  return kind.ofWeights({ size: (key, axis) => store.find(key)?.shape[axis] ?? 0, blocks });
}

/** The same as a config says them. */
export function transformerConfigFacts(config: JsonObject): PartFacts {
  const kind = KINDS.find(({ className }) => className === config['_class_name']);
  return kind?.ofConfig((name) => Number(config[name] ?? 0), config) ?? {};
}
