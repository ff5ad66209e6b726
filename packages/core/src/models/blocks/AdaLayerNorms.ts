import { Module } from '../../graph/Module.js';
import { Linear } from '../../graph/nn/Linear.js';
import { plainLayerNorm } from '../../graph/nn/plainLayerNorm.js';
import { add, builderOf, mul, reshape, silu } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/** What a modulated norm is made of. */
export interface AdaLayerNormOptions {
  readonly width: number;
  readonly epsilon: number;
  /** Default true. */
  readonly bias?: boolean | undefined;
}

/** A layer norm without gain and bias of its own: what changes it is made of the embedded timestep, [n, width] (source: diffusers models/normalization.py). */
abstract class AdaLayerNorm extends Module {
  readonly linear: Linear;
  readonly #width: number;
  readonly #epsilon: number;

  constructor({ width, epsilon, bias }: AdaLayerNormOptions, chunks: number) {
    super();
    this.linear = new Linear(width, chunks * width, { bias });
    this.#width = width;
    this.#epsilon = epsilon;
  }

  /** Makes chunk `index` of the modulation, [n or 1, 1, width]: each of rows of its own, so that no wide tensor is split. */
  protected chunks(temb: Value): (index: number) => Value {
    const activated = silu(temb);
    return (index) =>
      reshape(
        this.linear.forwardRows(activated, index * this.#width, this.#width),
        [temb.dim(0), 1, this.#width],
        [0, 1, this.#width],
      );
  }

  /** norm(x) · (1 + scale) + shift. */
  protected modulated(x: Value, scale: Value, shift: Value): Value {
    return modulate(plainLayerNorm(x, this.#epsilon), scale, shift);
  }
}

/** What a block of attention and feed-forward is modulated by. */
export interface BlockModulation {
  /** The input of attention, normalised and modulated. */
  readonly normal: Value;
  readonly gate: Value;
  /** Of the feed-forward. */
  readonly shift: Value;
  readonly scale: Value;
  readonly feedForwardGate: Value;
}

/** Shift, scale and gate for attention, then the same for the feed-forward. */
export class AdaLayerNormZero extends AdaLayerNorm {
  constructor(options: AdaLayerNormOptions, chunks = 6) {
    super(options, chunks);
  }

  forward(x: Value, temb: Value): BlockModulation {
    const chunk = this.chunks(temb);
    return {
      normal: this.modulated(x, chunk(1), chunk(0)),
      gate: chunk(2),
      shift: chunk(3),
      scale: chunk(4),
      feedForwardGate: chunk(5),
    };
  }
}

/** The same of a block whose image attends to itself once more. */
export interface DualBlockModulation extends BlockModulation {
  /** The input of the second attention, normalised and modulated. */
  readonly normal2: Value;
  readonly gate2: Value;
}

/** Shift, scale and gate for attention, for the feed-forward, and for a second attention to the same input. */
export class SD35AdaLayerNormZeroX extends AdaLayerNormZero {
  constructor(options: AdaLayerNormOptions) {
    super(options, 9);
  }

  override forward(x: Value, temb: Value): DualBlockModulation {
    const chunk = this.chunks(temb);
    return { ...super.forward(x, temb), normal2: this.modulated(x, chunk(7), chunk(6)), gate2: chunk(8) };
  }
}

/** Shift, scale and gate for all that a block does. */
export class AdaLayerNormZeroSingle extends AdaLayerNorm {
  constructor(options: AdaLayerNormOptions) {
    super(options, 3);
  }

  forward(x: Value, temb: Value): Pick<BlockModulation, 'normal' | 'gate'> {
    const chunk = this.chunks(temb);
    return { normal: this.modulated(x, chunk(1), chunk(0)), gate: chunk(2) };
  }
}

/** Scale and shift, in this order: the norm after the last block. */
export class AdaLayerNormContinuous extends AdaLayerNorm {
  constructor(options: AdaLayerNormOptions) {
    super(options, 2);
  }

  forward(x: Value, temb: Value): Value {
    const chunk = this.chunks(temb);
    return this.modulated(x, chunk(0), chunk(1));
  }
}

/** x · (1 + scale) + shift. */
export function modulate(x: Value, scale: Value, shift: Value): Value {
  return add(mul(x, add(scale, builderOf(x).constant('float32', [], [1]))), shift);
}
