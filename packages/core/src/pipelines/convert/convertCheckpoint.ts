import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { checkOptionNames } from '../../fields/checkOptionNames.js';
import { checkPath } from '../../fields/checkPath.js';
import { refuseOption } from '../../fields/refuseOption.js';
import { modelRegistry } from '../../models/modelRegistry.js';
import { ModelWeights } from '../../models/ModelWeights.js';
import { libraryOf, openComponentCheckpoint } from '../../weights/ComponentCheckpoint.js';
import { PieceBuffers } from '../../weights/files/PieceBuffers.js';
import { type TensorToWrite, writeSafetensors } from '../../weights/files/writeSafetensors.js';
import { toOriginal } from '../../weights/keymaps/toOriginal.js';
import type { ModelIndex } from '../../weights/ModelIndex.js';
import { openModelIndex } from '../../weights/openModelIndex.js';
import { placeOf } from '../../weights/PartPlace.js';
import type { TensorView } from '../../weights/TensorView.js';
import type { FromPretrainedOptions } from '../FromPretrainedOptions.js';
import { CONVERT_DTYPES, type ConvertDtype, convertedTensor, type WrittenLayout } from './convertedTensor.js';
import { originalLayoutOf } from './originalLayout.js';
import type { ConvertedComponent } from './ConvertedComponent.js';
import { writeFolder } from './writeFolder.js';

/** Options of {@link convertCheckpoint}. */
export interface ConvertOptions extends Pick<
  FromPretrainedOptions,
  'variant' | 'revision' | 'config' | 'predictionType' | 'localFilesOnly' | 'allowSymlinks' | 'signal' | 'onProgress'
> {
  /** A folder in diffusers' layout, or a file with the original keys. */
  readonly layout: 'diffusers' | 'single-file';
  /** The type of all weights; as they are unless told. In eight bits, biases and norms become F16. */
  readonly dtype?: ConvertDtype | undefined;
  /** Told how many tensors were written, of how many that the model has. */
  readonly onWritten?: ((done: number, total: number) => void) | undefined;
}

const OPTION_NAMES = [
  'layout',
  'dtype',
  'variant',
  'revision',
  'config',
  'predictionType',
  'localFilesOnly',
  'allowSymlinks',
  'signal',
  'onProgress',
  'onWritten',
];

/**
 * Writes a checkpoint in the other layout, or in another type: what stands in `out` afterwards is whole, or is not there. Weights go through piece by piece.
 *
 * @param model a folder, a file of weights, a hub id or a file on the hub
 * @param out the folder or file that is made; nothing may be there yet
 * @throws what opening throws; ERR_ARGUMENT_INVALID for a model that has no single-file layout, and for a path where something is; ERR_DISK_FULL, ERR_FILE_ACCESS; `signal.reason`
 */
export async function convertCheckpoint(model: string, out: string, options: ConvertOptions): Promise<void> {
  checkOptionNames(options, OPTION_NAMES, 'convertCheckpoint');
  checkPath('out', out);
  const { layout, dtype, variant, revision, config, predictionType, signal, onProgress } = options;
  if (layout !== 'diffusers' && layout !== 'single-file')
    refuseOption('layout', layout, "'diffusers' or 'single-file'");
  if (dtype !== undefined && !CONVERT_DTYPES.includes(dtype))
    refuseOption('dtype', dtype, `one of ${CONVERT_DTYPES.join(', ')}`);
  const { localFilesOnly, allowSymlinks } = options;
  const where = { variant, revision, localFilesOnly, allowSymlinks, signal, onProgress };
  const index = await openModelIndex(model, { ...where, config, predictionType, onWarning: onProgress });
  const target = resolve(out);
  if (
    await stat(target).then(
      () => true,
      () => false,
    )
  )
    refuseOption('out', out, 'a path where nothing is yet');
  const components = await openComponents(index, variant);
  const buffers = new PieceBuffers();
  const telling = new Telling(components, options);
  if (layout === 'diffusers')
    await writeFolder(target, {
      index,
      components,
      predictionType,
      tensorsOf: (each) => telling.all(keptTensors(each, { dtype, buffers })),
    });
  else {
    const names = components.map(({ name }) => name);
    const parts = components.map((each) => originalTensors(each, names, { dtype, buffers }));
    await writeSafetensors(target, telling.all(new Map(parts.flatMap((part) => [...part]))), { format: 'pt' });
  }
}

async function openComponents(index: ModelIndex, variant: string | undefined): Promise<readonly ConvertedComponent[]> {
  const single = { library: libraryOf(index.config), className: index.className };
  const entries = index.kind === 'model' ? [['', single] as const] : Object.entries(index.components);
  const opened: ConvertedComponent[] = [];
  for (const [name, component] of entries) {
    const Class = component === null ? undefined : modelRegistry[component.className];
    if (component === null || Class === undefined) continue;
    const place = placeOf(index, name);
    const { className, library } = component;
    const checkpoint = await openComponentCheckpoint(place.folder, { variant, library, ...place });
    const model = Class.fromConfig(checkpoint.config, className);
    const weights = ModelWeights.match(name, model, checkpoint);
    opened.push({ name, className, library, config: checkpoint.config, weights });
  }
  return opened;
}

/** How the weights of all components are written. */
type Written = Pick<WrittenLayout, 'dtype' | 'buffers'>;

/** With diffusers' keys. */
function keptTensors({ weights }: ConvertedComponent, how: Written): Map<string, TensorToWrite> {
  return new Map(
    Array.from(weights.keys(), (key) => {
      const view = weights.find(key) as TensorView;
      return [key, convertedTensor([view], { shape: view.shape, transposed: false, ...how })];
    }),
  );
}

/** With the original keys. */
function originalTensors(
  component: ConvertedComponent,
  names: readonly string[],
  how: Written,
): Map<string, TensorToWrite> {
  const { name, weights } = component;
  const beside = names.filter((other) => other !== name);
  const { prefix, keyMap } = originalLayoutOf({ ...component, beside });
  return new Map(
    Array.from(toOriginal(keyMap, [...weights.keys()]), ([key, { keys, unsqueezed, transposed }]) => {
      const views = keys.map((each) => weights.find(each) as TensorView);
      const [, ...rest] = (views[0] as TensorView).shape;
      const joined = [views.reduce((sum, { shape: [rows = 0] }) => sum + rows, 0), ...rest];
      const shape = unsqueezed && joined.length === 2 ? [...joined, 1, 1] : transposed ? joined.toReversed() : joined;
      return [prefix + key, convertedTensor(views, { shape, transposed, ...how })];
    }),
  );
}

/** Counts what was written, and stops where the signal says so. */
class Telling {
  #done = 0;
  readonly #total: number;
  readonly #options: ConvertOptions;

  constructor(components: readonly ConvertedComponent[], options: ConvertOptions) {
    this.#options = options;
    this.#total = components.reduce((sum, { weights }) => sum + [...weights.keys()].length, 0);
  }

  all(tensors: ReadonlyMap<string, TensorToWrite>): Map<string, TensorToWrite> {
    return new Map(Array.from(tensors, ([key, tensor]) => [key, this.#told(tensor)]));
  }

  #told({ data, ...tensor }: TensorToWrite): TensorToWrite {
    return {
      ...tensor,
      data: () => {
        const { signal, onWritten } = this.#options;
        signal?.throwIfAborted();
        onWritten?.(++this.#done, this.#total);
        return typeof data === 'function' ? data() : data;
      },
    };
  }
}
