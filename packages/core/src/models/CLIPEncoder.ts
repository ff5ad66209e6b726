import { checkMembers } from '../fields/checkMembers.js';
import type { ConfigReader } from '../fields/ConfigReader.js';
import { Module } from '../graph/Module.js';
import { attention } from '../graph/nn/attention.js';
import { LayerNorm } from '../graph/nn/LayerNorm.js';
import { Linear } from '../graph/nn/Linear.js';
import { add, gelu, quickGelu } from '../graph/operations.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';

const HIDDEN_ACTIVATIONS = { quick_gelu: quickGelu, gelu } as const;
const ACTIVATIONS = Object.keys(HIDDEN_ACTIVATIONS) as (keyof typeof HIDDEN_ACTIVATIONS)[];

/** What a {@link CLIPEncoder} is built from. */
export interface CLIPEncoderOptions {
  /** Features of a token; a multiple of `heads`. */
  readonly width: number;
  /** Features between the two linear layers of a feed-forward. */
  readonly innerWidth: number;
  readonly layers: number;
  readonly heads: number;
  /** What norms add to variances. */
  readonly epsilon: number;
  readonly activation: 'quick_gelu' | 'gelu';
  /** Whether a token sees those before it alone: texts. Default false. */
  readonly causal?: boolean | undefined;
}

class CLIPAttention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly out_proj: Linear;
  readonly #sees: { readonly heads: number; readonly causal: boolean | undefined };

  constructor({ width, heads, causal }: CLIPEncoderOptions) {
    super();
    this.q_proj = new Linear(width, width);
    this.k_proj = new Linear(width, width);
    this.v_proj = new Linear(width, width);
    this.out_proj = new Linear(width, width);
    this.#sees = { heads, causal };
  }

  forward(x: Value): Value {
    return this.out_proj.forward(
      attention(this.q_proj.forward(x), this.k_proj.forward(x), this.v_proj.forward(x), this.#sees),
    );
  }
}

class CLIPMLP extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #activation: (x: Value) => Value;

  constructor({ width, innerWidth, activation }: CLIPEncoderOptions) {
    super();
    this.fc1 = new Linear(width, innerWidth);
    this.fc2 = new Linear(innerWidth, width);
    this.#activation = HIDDEN_ACTIVATIONS[activation];
  }

  forward(x: Value): Value {
    return this.fc2.forward(this.#activation(this.fc1.forward(x)));
  }
}

class CLIPEncoderLayer extends Module {
  readonly layer_norm1: LayerNorm;
  readonly self_attn: CLIPAttention;
  readonly layer_norm2: LayerNorm;
  readonly mlp: CLIPMLP;

  constructor(options: CLIPEncoderOptions) {
    super();
    this.layer_norm1 = new LayerNorm(options.width, options.epsilon);
    this.self_attn = new CLIPAttention(options);
    this.layer_norm2 = new LayerNorm(options.width, options.epsilon);
    this.mlp = new CLIPMLP(options);
  }

  forward(x: Value): Value {
    const attended = add(x, this.self_attn.forward(this.layer_norm1.forward(x)));
    return add(attended, this.mlp.forward(this.layer_norm2.forward(attended)));
  }
}

/**
 * The layers of CLIP's encoders, of texts and of pictures (source: transformers models/clip/modeling_clip.py, `CLIPEncoder`).
 *
 * @throws ERR_ARGUMENT_INVALID for options that are none
 */
export class CLIPEncoder extends Module {
  readonly layers: readonly CLIPEncoderLayer[];

  constructor(options: CLIPEncoderOptions) {
    super();
    checkMembers('options', options, 'the sizes of an encoder', ['width', 'innerWidth', 'layers', 'heads', 'epsilon']);
    this.layers = Array.from({ length: options.layers }, () => new CLIPEncoderLayer(options));
  }

  /** [n, tokens, width], each layer a segment → the last layer's output, and as `hidden_states.0` (what the first one is given) to `hidden_states.L` those of all, none with the norm at the end. */
  forward(embedded: Value): { readonly last: Value; readonly hidden: Record<string, Value> } {
    let last = embedded;
    const hidden: Record<string, Value> = { 'hidden_states.0': embedded };
    for (const [i, layer] of this.layers.entries()) {
      last = segment(layer.path, { x: last }, (inner) => ({ x: layer.forward(inner.x) })).x;
      hidden[`hidden_states.${i + 1}`] = last;
    }
    return { last, hidden };
  }
}

/**
 * The encoder of a CLIP config, under transformers' names; `defaults` are those of texts or of pictures.
 *
 * @throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field
 */
export function readCLIPEncoderOptions(
  reader: ConfigReader,
  defaults: Pick<CLIPEncoderOptions, 'width' | 'heads' | 'innerWidth'>,
): CLIPEncoderOptions {
  checkMembers('reader', reader, 'a ConfigReader', ['size', 'number', 'oneOf']);
  checkMembers('defaults', defaults, '{ width, heads, innerWidth }', ['width', 'heads', 'innerWidth']);
  const width = reader.size('hidden_size', defaults.width);
  const heads = reader.count('num_attention_heads', defaults.heads);
  if (width % heads !== 0) reader.unsupported('num_attention_heads', heads, `a divisor of hidden_size, ${width}`);
  return {
    width,
    heads,
    innerWidth: reader.size('intermediate_size', defaults.innerWidth),
    layers: reader.count('num_hidden_layers', 12),
    epsilon: reader.number('layer_norm_eps', 1e-5),
    activation: reader.oneOf('hidden_act', ACTIVATIONS, 'quick_gelu'),
  };
}
