import { ThimbleError } from '../errors.js';
import { storageFormatNames, storageFormatOf } from '../graph/storage/storageFormats.js';
import { storedBytes } from '../graph/storage/StorageFormat.js';
import type { Parameter } from '../graph/Parameter.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { TensorView } from '../weights/TensorView.js';
import type { WeightStore } from '../weights/WeightStore.js';
import type { Model } from './Model.js';

/** The weights of a model: every parameter found, with the right shape and in a storage format. What a checkpoint has beside them is left out. */
export class ModelWeights implements WeightStore {
  readonly #views: ReadonlyMap<string, TensorView>;

  private constructor(views: ReadonlyMap<string, TensorView>) {
    this.#views = views;
  }

  /**
   * Finds the parameters in a checkpoint, by their keys or other spellings of them: the lowest store of a component.
   *
   * @throws ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE
   */
  static match(
    component: string,
    model: Model,
    { tensors, folder }: Pick<ComponentCheckpoint, 'tensors' | 'folder'>,
  ): ModelWeights {
    const find = (key: string): TensorView | undefined => {
      const name = [key, ...model.keyAliases(key)].find((each) => tensors.has(each));
      return name === undefined ? undefined : tensors.get(name);
    };
    return ModelWeights.of(component, model, find, folder);
  }

  /**
   * Checks that a store has the parameters, as layers upon the checkpoint left them; `folder` is for messages.
   *
   * @throws ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE
   */
  static of(component: string, model: Model, find: WeightStore['find'], folder: string): ModelWeights {
    const { parameters } = model;
    const found = new Map(parameters.map((parameter) => [parameter, find(parameter.key)] as const));
    const missing = parameters.filter((parameter) => found.get(parameter) === undefined);
    if (missing[0] !== undefined) {
      const { key } = missing[0];
      throw new ThimbleError('ERR_WEIGHT_MISSING', { component, key, folder, missing: missing.length });
    }
    for (const [parameter, view] of found) check(component, parameter, view as TensorView);
    return new ModelWeights(new Map([...found].map(([{ key }, view]) => [key, view as TensorView])));
  }

  keys(): Iterable<string> {
    return this.#views.keys();
  }

  find(key: string): TensorView | undefined {
    return this.#views.get(key);
  }
}

function check(component: string, { key, shape }: Parameter, view: TensorView): void {
  const { file, dtype, shape: got } = view;
  if (!sameShape(shape, got))
    throw new ThimbleError('ERR_WEIGHT_SHAPE', { component, key, file, got, expected: shape });
  const format = storageFormatOf(dtype);
  if (format === undefined)
    throw new ThimbleError('ERR_WEIGHT_DTYPE', {
      component,
      key,
      file,
      got: dtype,
      expected: storageFormatNames().join(', '),
    });
  const bytes = storedBytes(format, view.transposed === undefined ? got : [view.transposed.of, got[1] as number]);
  if (view.byteLength !== bytes)
    throw new RangeError(`${key} has ${view.byteLength} bytes; ${dtype} [${got.join(', ')}] takes ${bytes}`);
}

/** Equal but for sizes of 1 at the end: a linear layer and a 1×1 convolution hold the same numbers in the same order. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return strip(a).join() === strip(b).join();
}

function strip(shape: readonly number[]): readonly number[] {
  const last = shape.findLastIndex((size) => size !== 1);
  return shape.slice(0, last + 1);
}
