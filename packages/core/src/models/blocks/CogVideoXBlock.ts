import { Module } from '../../graph/Module.js';
import { attention } from '../../graph/nn/attention.js';
import { Conv2d } from '../../graph/nn/Conv2d.js';
import { LayerNorm } from '../../graph/nn/LayerNorm.js';
import { Linear } from '../../graph/nn/Linear.js';
import { rotaryEmbedding } from '../../graph/nn/rotaryEmbedding.js';
import { add, builderOf, concat, mul, reshape, silu, split, transpose } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { addSincosPositions, type PatchGrid } from './sincosPositions.js';
import type { ActivationName } from './activation.js';
import { GeluFeedForward } from './GeluFeedForward.js';

const QK_NORM_EPSILON = 1e-6;

/** What a CogVideoX transformer is built from. */
export interface CogVideoXOptions {
  readonly heads: number;
  readonly headSize: number;
  /** heads · headSize. */
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly timeWidth: number;
  readonly textWidth: number;
  readonly layers: number;
  readonly attentionBias: boolean;
  readonly patch: number;
  readonly epsilon: number;
  readonly flipSinToCos: boolean;
  readonly frequencyShift: number;
  readonly timestepActivation: ActivationName;
  readonly rotary: boolean;
  readonly spatialScale: number;
  readonly temporalScale: number;
  /** Tokens of a prompt that the model was trained with. */
  readonly tokens: number;
  /** Latents the model was trained with. */
  readonly sampleHeight: number;
  readonly sampleWidth: number;
}

/** The two streams of tokens: of the video [n, patches, width], and of the text [n, tokens, width]. */
export interface Streams {
  readonly hidden: Value;
  readonly text: Value;
}

/** Cosines and sines of all tokens, [tokens, headSize / 2]. */
export interface Rotation {
  readonly cosines: Value;
  readonly sines: Value;
}

export class CogVideoXPatchEmbed extends Module {
  readonly proj: Conv2d;
  readonly text_proj: Linear;
  readonly #options: CogVideoXOptions;

  constructor(options: CogVideoXOptions) {
    super();
    this.proj = new Conv2d(options.inChannels, options.width, options.patch, { stride: options.patch });
    this.text_proj = new Linear(options.textWidth, options.width);
    this.#options = options;
  }

  /** [n, frames, c, h, w] → [n, patches, width]. */
  forwardVideo(x: Value): Value {
    const [n, frames, channels, height, width] = x.dims as readonly [number, number, number, number, number];
    const { width: features, rotary, spatialScale, temporalScale } = this.#options;
    const grid = gridOf(x, this.#options);
    const patches = this.proj.forward(reshape(x, [n * frames, channels, height, width], [-1, channels, height, width]));
    const rows = reshape(
      patches,
      [n, frames, features, grid.height * grid.width],
      [-1, frames, features, grid.height * grid.width],
    );
    const tokens = reshape(
      transpose(rows, [0, 1, 3, 2]),
      [n, frames * grid.height * grid.width, features],
      [0, -1, features],
    );
    return rotary ? tokens : addSincosPositions(tokens, grid, { spatial: spatialScale, temporal: temporalScale });
  }
}

/** A layer norm of both streams, with scale, shift and gate out of the time embedding (source: diffusers models/normalization.py). */
class CogVideoXLayerNormZero extends Module {
  readonly linear: Linear;
  readonly norm: LayerNorm;
  readonly #width: number;

  constructor({ timeWidth, width, epsilon }: CogVideoXOptions) {
    super();
    this.linear = new Linear(timeWidth, 6 * width);
    this.norm = new LayerNorm(width, epsilon);
    this.#width = width;
  }

  forward({ hidden, text }: Streams, temb: Value): { readonly normal: Streams; readonly gates: Streams } {
    const activated = silu(temb);
    const part = (index: number): Value => modulation(this.linear, activated, index, this.#width);
    return {
      normal: {
        hidden: modulate(this.norm.forward(hidden), part(1), part(0)),
        text: modulate(this.norm.forward(text), part(4), part(3)),
      },
      gates: { hidden: part(2), text: part(5) },
    };
  }
}

class CogVideoXAttention extends Module {
  readonly norm_q: LayerNorm;
  readonly norm_k: LayerNorm;
  readonly to_q: Linear;
  readonly to_k: Linear;
  readonly to_v: Linear;
  readonly to_out: readonly [Linear];
  readonly #options: CogVideoXOptions;

  constructor(options: CogVideoXOptions) {
    super();
    const { width, headSize, attentionBias: bias } = options;
    this.norm_q = new LayerNorm(headSize, QK_NORM_EPSILON);
    this.norm_k = new LayerNorm(headSize, QK_NORM_EPSILON);
    this.to_q = new Linear(width, width, { bias });
    this.to_k = new Linear(width, width, { bias });
    this.to_v = new Linear(width, width, { bias });
    this.to_out = [new Linear(width, width)];
    this.#options = options;
  }

  override get pythonClass(): string {
    return 'Attention';
  }

  /** Joint attention: the text's tokens first, then the video's. */
  forward({ hidden, text }: Streams, rotation: Rotation | undefined): Streams {
    const joint = concat([text, hidden], 1);
    const query = this.#turn(this.#normalize(this.to_q.forward(joint), this.norm_q), rotation);
    const key = this.#turn(this.#normalize(this.to_k.forward(joint), this.norm_k), rotation);
    const attended = attention(query, key, this.to_v.forward(joint), { heads: this.#options.heads });
    return splitStreams(this.to_out[0].forward(attended), text.dim(1));
  }

  /** Layer norm of each head. */
  #normalize(x: Value, norm: LayerNorm): Value {
    const { heads, headSize, width } = this.#options;
    const [n, tokens] = [x.dim(0), x.dim(1)];
    return reshape(
      norm.forward(reshape(x, [n, tokens, heads, headSize], [0, 0, heads, headSize])),
      [n, tokens, width],
      [0, 0, width],
    );
  }

  #turn(x: Value, rotation: Rotation | undefined): Value {
    return rotation === undefined
      ? x
      : rotaryEmbedding(x, rotation.cosines, rotation.sines, { heads: this.#options.heads });
  }
}

export class CogVideoXBlock extends Module {
  readonly norm1: CogVideoXLayerNormZero;
  readonly attn1: CogVideoXAttention;
  readonly norm2: CogVideoXLayerNormZero;
  readonly ff: GeluFeedForward;

  constructor(options: CogVideoXOptions) {
    super();
    this.norm1 = new CogVideoXLayerNormZero(options);
    this.attn1 = new CogVideoXAttention(options);
    this.norm2 = new CogVideoXLayerNormZero(options);
    this.ff = new GeluFeedForward(options.width);
  }

  forward(streams: Streams, temb: Value, rotation: Rotation | undefined): Streams {
    const before = this.norm1.forward(streams, temb);
    const attended = addGated(streams, this.attn1.forward(before.normal, rotation), before.gates);
    const after = this.norm2.forward(attended, temb);
    const joint = this.ff.forward(concat([after.normal.text, after.normal.hidden], 1));
    return addGated(attended, splitStreams(joint, streams.text.dim(1)), after.gates);
  }
}

/** A layer norm with scale and shift out of the time embedding (source: diffusers models/normalization.py). */
export class AdaLayerNorm extends Module {
  readonly linear: Linear;
  readonly norm: LayerNorm;
  readonly #width: number;

  constructor({ timeWidth, width, epsilon }: CogVideoXOptions) {
    super();
    this.linear = new Linear(timeWidth, 2 * width);
    this.norm = new LayerNorm(width, epsilon);
    this.#width = width;
  }

  forward(x: Value, temb: Value): Value {
    const activated = silu(temb);
    return modulate(
      this.norm.forward(x),
      modulation(this.linear, activated, 1, this.#width),
      modulation(this.linear, activated, 0, this.#width),
    );
  }
}

/** Part `index` of what `linear` makes of the activated time embedding, [n or 1, 1, width]. */
function modulation(linear: Linear, activated: Value, index: number, width: number): Value {
  return reshape(linear.forwardRows(activated, index * width, width), [activated.dim(0), 1, width], [0, 1, width]);
}

/** x · (1 + scale) + shift. */
function modulate(x: Value, scaleBy: Value, shift: Value): Value {
  return add(mul(x, add(scaleBy, builderOf(x).constant('float32', [], [1]))), shift);
}

function addGated(streams: Streams, change: Streams, gates: Streams): Streams {
  return {
    hidden: add(streams.hidden, mul(gates.hidden, change.hidden)),
    text: add(streams.text, mul(gates.text, change.text)),
  };
}

/** The text's tokens lie before the video's. */
function splitStreams(joint: Value, textTokens: number): Streams {
  const [text, hidden] = split(joint, [textTokens, joint.dim(1) - textTokens], 1) as [Value, Value];
  return { hidden, text };
}

/** The patches of latents [n, frames, c, h, w]. */
export function gridOf(latents: Value, { patch }: CogVideoXOptions): PatchGrid {
  return {
    frames: latents.dim(1),
    height: Math.floor(latents.dim(3) / patch),
    width: Math.floor(latents.dim(4) / patch),
  };
}
