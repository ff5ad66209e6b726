import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { InputShapes, ModelEntry, ModelInput } from '../models/Model.js';

/**
 * Checks the tensors of a call against the entry point and returns their shapes, in the entry point's order.
 *
 * @throws ERR_INPUT_INVALID naming the input, what it is and what it should be
 */
export function checkInputs(
  component: string,
  entry: string,
  spec: ModelEntry,
  inputs: Readonly<Record<string, Tensor>>,
): InputShapes {
  const fail = (input: string, got: string, expected: string): never => {
    throw new ThimbleError('ERR_INPUT_INVALID', { component, entry, input, got, expected });
  };
  for (const name of Object.keys(inputs)) {
    if (!(name in spec.inputs)) fail(name, 'not an input', Object.keys(spec.inputs).join(', '));
  }
  const sizes = new Map<string, number>();
  const shapes: Record<string, InputShapes[string]> = {};
  for (const [name, input] of Object.entries(spec.inputs)) {
    const tensor = inputs[name];
    if (tensor === undefined || tensor === null) {
      if (input.optional !== true) fail(name, 'missing', expectation(input));
      continue;
    }
    if (!isTensor(tensor)) fail(name, typeof tensor, `a Tensor, ${expectation(input)}`);
    const type = input.types.find((accepted) => accepted === tensor.type);
    if (type === undefined || !fits(tensor.dims, input, sizes, spec.derived))
      fail(name, `${tensor.type} [${tensor.dims.join(', ')}]`, expectation(input, sizes));
    else shapes[name] = { type, dims: tensor.dims };
  }
  return shapes;
}

/** By what it has, because tensors may come from another copy of the package. */
function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'type' in value && 'dims' in value && 'data' in value;
}

/** Also notes the sizes that names have from here on. */
function fits(
  dims: readonly number[],
  input: ModelInput,
  sizes: Map<string, number>,
  derived: ModelEntry['derived'] = {},
): boolean {
  if (dims.length !== input.dims.length) return false;
  return input.dims.every((expected, axis) => {
    const size = dims[axis] as number;
    if (size < 1) return false;
    if (typeof expected === 'number') return size === expected;
    const known = sizes.get(expected) ?? derived[expected]?.(sizes);
    if (known !== undefined) sizes.set(expected, known);
    // Inputs that may be left out have no say in how many samples there are.
    const grows = expected === 'batch' && known === 1 && input.optional !== true;
    if (known !== undefined && known !== size && !grows) return expected === 'batch' && size === 1;
    sizes.set(expected, size);
    return true;
  });
}

function expectation(input: ModelInput, sizes: ReadonlyMap<string, number> = new Map()): string {
  const dims = input.dims.map((size) => (sizes.has(String(size)) ? `${size} = ${sizes.get(String(size))}` : size));
  return `${input.types.join(' or ')} [${dims.join(', ')}]`;
}
