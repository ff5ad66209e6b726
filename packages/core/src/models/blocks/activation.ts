import { gelu, mish, relu, silu } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';

/** diffusers' names of activation functions (`act_fn`); source: diffusers models/activations.py. */
export const ACTIVATIONS = { silu, swish: silu, gelu, mish, relu } as const satisfies Record<
  string,
  (x: Value) => Value
>;

/** The name of an activation function. */
export type ActivationName = keyof typeof ACTIVATIONS;

/** All names of activation functions. */
export const ACTIVATION_NAMES = Object.keys(ACTIVATIONS) as readonly ActivationName[];
