import { ThimbleError } from '../errors.js';
import type { ElementType } from '../graph/Graph.js';
import type { Parameter } from '../graph/Parameter.js';
import type { StoredWeight } from '../graph/passes/bindWeights.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { SafetensorsDtype } from '../weights/files/SafetensorsDtype.js';
import type { TensorInfo } from '../weights/files/TensorInfo.js';
import type { Model } from './Model.js';

const ELEMENT_TYPES: Partial<Record<SafetensorsDtype, ElementType>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F8_E4M3: 'float8_e4m3fn',
  F8_E5M2: 'float8_e5m2',
};

/** The weights of a model in a checkpoint: every parameter found, with the right shape and a type that can be widened. */
export class ModelWeights {
  /** By state-dict key. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly #stored: ReadonlyMap<string, StoredWeight>;

  private constructor(tensors: ReadonlyMap<string, TensorInfo>, stored: ReadonlyMap<string, StoredWeight>) {
    this.tensors = tensors;
    this.#stored = stored;
  }

  /** @throws ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE */
  static match(
    component: string,
    model: Model,
    checkpoint: Pick<ComponentCheckpoint, 'tensors' | 'folder'>,
  ): ModelWeights {
    const found = model.parameters.map(
      (parameter) => [parameter, findTensor(model, parameter, checkpoint.tensors)] as const,
    );
    const missing = found.filter(([, info]) => info === undefined);
    if (missing[0] !== undefined) {
      throw new ThimbleError('ERR_WEIGHT_MISSING', {
        component,
        key: missing[0][0].key,
        folder: checkpoint.folder,
        missing: missing.length,
      });
    }
    const stored = new Map(
      found.map(([parameter, info]) => [parameter.key, check(component, parameter, info as TensorInfo)]),
    );
    return new ModelWeights(new Map(found.map(([{ key }, info]) => [key, info as TensorInfo])), stored);
  }

  /** Where a parameter lies. Throws a RangeError for a key that the model does not have. */
  find(key: string): StoredWeight {
    const stored = this.#stored.get(key);
    if (stored === undefined) throw new RangeError(`the model has no parameter "${key}"`);
    return stored;
  }
}

function findTensor(
  model: Model,
  { key }: Parameter,
  tensors: ReadonlyMap<string, TensorInfo>,
): TensorInfo | undefined {
  for (const name of [key, ...model.keyAliases(key)]) {
    const info = tensors.get(name);
    if (info !== undefined) return info;
  }
  return undefined;
}

function check(component: string, { key, shape }: Parameter, info: TensorInfo): StoredWeight {
  const { file, offset, byteLength } = info;
  if (!sameShape(shape, info.shape))
    throw new ThimbleError('ERR_WEIGHT_SHAPE', { component, key, file, got: info.shape, expected: shape });
  const type = ELEMENT_TYPES[info.dtype];
  if (type === undefined)
    throw new ThimbleError('ERR_WEIGHT_DTYPE', {
      component,
      key,
      file,
      got: info.dtype,
      expected: Object.keys(ELEMENT_TYPES).join(', '),
    });
  return { type, source: { file, offset, byteLength } };
}

/** Equal but for sizes of 1 at the end: a linear layer and a 1×1 convolution hold the same numbers in the same order. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return strip(a).join() === strip(b).join();
}

function strip(shape: readonly number[]): readonly number[] {
  const last = shape.findLastIndex((size) => size !== 1);
  return shape.slice(0, last + 1);
}
