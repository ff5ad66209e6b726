import { checkNumber } from '../fields/checkNumber.js';
import { Tensor } from 'onnxruntime-common';

/** A timestep as a model takes it, for all samples of a batch. */
export function timestepTensor(timestep: number): Tensor {
  checkNumber('timestep', timestep, 0, Number.MAX_SAFE_INTEGER);
  return Number.isInteger(timestep)
    ? new Tensor('int64', BigInt64Array.of(BigInt(timestep)), [1])
    : new Tensor('float32', Float32Array.of(timestep), [1]);
}
