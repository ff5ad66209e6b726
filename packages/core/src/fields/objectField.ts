import type { Tensor } from 'onnxruntime-common';
import { isSignal } from './checkOptionNames.js';
import type { Field } from './Field.js';
import { refuseOption } from './refuseOption.js';

/** A field for objects of code, which neither JSON nor a command line can write: `type` in TypeScript, known by `accepts`. Has no default. */
export function objectField<T>(
  type: string,
  expected: string,
  accepts: (value: unknown) => boolean,
): Field<T | undefined> {
  return { default: undefined, type, expected, accepts };
}

/** A float32 tensor with a name or a size for each of its axes: `['prompts', 'tokens', 'width']`. Has no default. */
export function tensorField(...axes: readonly (string | number)[]): Field<Tensor | undefined> {
  if (axes.some((axis) => typeof axis !== 'string' && typeof axis !== 'number'))
    refuseOption('axes', axes, 'a name or a size for each axis');
  const accepts = (value: unknown): boolean => {
    const { type, dims } = (value ?? {}) as Partial<Tensor>;
    return (
      type === 'float32' &&
      dims?.length === axes.length &&
      axes.every((axis, i) => typeof axis === 'string' || axis === dims[i])
    );
  };
  return {
    ...objectField<Tensor>('Tensor', `float32 [${axes.join(', ')}]`, accepts),
    shown: (value) => {
      const { type, dims } = (value ?? {}) as Partial<Tensor>;
      return Array.isArray(dims) ? `${type} [${dims.join(', ')}]` : value;
    },
  };
}

/** A field for a signal that ends the work. */
export function signalField(): Field<AbortSignal | undefined> {
  return objectField('AbortSignal', 'an AbortSignal', isSignal);
}
