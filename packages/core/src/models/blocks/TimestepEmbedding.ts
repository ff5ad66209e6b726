import { Module } from '../../graph/Module.js';
import { Linear } from '../../graph/nn/Linear.js';
import { add, builderOf, cast, concat, cos, mul, reshape, sin } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { ACTIVATIONS, type ActivationName } from './activation.js';

/** Options of {@link timestepFrequencies}, as in diffusers' `Timesteps`. */
export interface TimestepProjection {
  /** Width of the result; even. */
  readonly channels: number;
  /** Cosines first. */
  readonly flipSinToCos: boolean;
  readonly frequencyShift: number;
}

/**
 * Sinusoidal embedding of timesteps, int64 or float32 [n] → float32 [n, channels]; angles in float32, as in diffusers
 * (source: diffusers models/embeddings.py `get_timestep_embedding`).
 */
export function timestepFrequencies(
  timestep: Value,
  { channels, flipSinToCos, frequencyShift }: TimestepProjection,
): Value {
  const half = Math.floor(channels / 2);
  const frequencies = Array.from({ length: half }, (_, i) =>
    Math.exp(Math.fround(Math.fround(-Math.log(10000) * i) / (half - frequencyShift))),
  );
  const column = reshape(cast(timestep, 'float32'), [timestep.dim(0), 1], [-1, 1]);
  const angles = mul(column, builderOf(timestep).constant('float32', [1, half], frequencies));
  return concat(flipSinToCos ? [cos(angles), sin(angles)] : [sin(angles), cos(angles)], 1);
}

/** Options of a {@link TimestepEmbedding}. */
export interface TimestepEmbeddingOptions {
  /** Width of the condition; absent where there is none. */
  readonly conditionChannels?: number | undefined;
  /** Default 'silu'. */
  readonly activation?: ActivationName | undefined;
}

/**
 * Two linear layers around an activation: [n, in] → [n, out]; `condition` (LCM's guidance embedding) is added through `cond_proj`
 * (source: diffusers models/embeddings.py).
 */
export class TimestepEmbedding extends Module {
  readonly linear_1: Linear;
  readonly linear_2: Linear;
  readonly cond_proj: Linear | undefined;
  readonly #activation: ActivationName;

  constructor(
    inChannels: number,
    outChannels: number,
    { conditionChannels, activation = 'silu' }: TimestepEmbeddingOptions = {},
  ) {
    super();
    this.linear_1 = new Linear(inChannels, outChannels);
    this.linear_2 = new Linear(outChannels, outChannels);
    this.cond_proj =
      conditionChannels === undefined ? undefined : new Linear(conditionChannels, inChannels, { bias: false });
    this.#activation = activation;
  }

  forward(sample: Value, condition?: Value): Value {
    const x =
      condition === undefined || this.cond_proj === undefined ? sample : add(sample, this.cond_proj.forward(condition));
    return this.linear_2.forward(ACTIVATIONS[this.#activation](this.linear_1.forward(x)));
  }
}
