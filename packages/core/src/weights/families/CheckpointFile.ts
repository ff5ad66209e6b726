import { isThimbleError, ThimbleError } from '../../errors.js';
import { openTensorFile } from '../files/openTensorFile.js';
import type { TensorFile } from '../files/TensorFile.js';
import { sourcesOf } from '../keymaps/KeyMap.js';
import { remapped } from '../layers/remapped.js';
import type { TensorView } from '../TensorView.js';
import { storeOf, type WeightStore } from '../WeightStore.js';
import { otherKinds } from './otherKinds.js';
import type { PartFacts } from './ModelFamily.js';
import { factsOfWeights } from './partFacts.js';
import { type PartLayout, partLayouts } from './partLayouts.js';
import { withScales } from './withScales.js';

/** A component's weights as they lie in a file of whatever layout. */
export interface FilePart {
  /** What the layout says it is; a file with one text encoder may be the first or the second. */
  readonly component: PartLayout['component'];
  readonly file: string;
  /** By diffusers' keys: views of the file. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** What it is told by. */
  readonly facts: PartFacts;
}

/** A file of weights, taken apart into components. */
export interface CheckpointFile {
  /** Real path. */
  readonly path: string;
  readonly parts: readonly FilePart[];
  /** Keys of tensors that belong to none of them: averages of the training, tables that are computed, what other programs left. */
  readonly unused: readonly string[];
  /** What such keys say of a model that was trained otherwise than its family. */
  readonly training: { readonly vPrediction: boolean; readonly zeroTerminalSnr: boolean };
}

/**
 * Opens a file of weights with original or diffusers' keys, and finds its components by the names of its tensors. No data is read.
 *
 * @throws `ERR_CHECKPOINT_OTHER` for what is no model, such as a LoRA; `ERR_CHECKPOINT_UNKNOWN` where nothing is known; `ERR_SAFETENSORS_TENSOR` for scales of an unknown kind; what {@link openTensorFile} throws
 */
export async function openCheckpointFile(path: string): Promise<CheckpointFile> {
  return takeApart(await openTensorFile(path));
}

/** What {@link openCheckpointFile} makes of the header. @throws as that */
export function takeApart({ path, tensors: stored }: Pick<TensorFile, 'path' | 'tensors'>): CheckpointFile {
  refuseOthers(path, stored);
  const tensors = withScales(path, stored);
  const layouts = new Map<string, PartLayout>();
  for (const layout of partLayouts)
    if (!layouts.has(layout.component) && layout.marks.some((mark) => tensors.has(layout.prefix + mark)))
      layouts.set(layout.component, layout);
  const used = new Set<string>();
  const parts = Array.from(layouts.values(), (layout): FilePart => {
    const sources = sourcesOf(layout.keyMap, tensors, layout.prefix);
    for (const { key } of sources.values()) used.add(key);
    const store = remapped(storeOf(tensors), sources);
    const views = new Map([...sources.keys()].map((key) => [key, viewOf(store, key, path)]));
    const { component } = layout;
    return { component, file: path, tensors: views, facts: factsOfWeights(component, storeOf(views)) };
  });
  if (parts.length === 0)
    throw new ThimbleError('ERR_CHECKPOINT_UNKNOWN', {
      file: path,
      problem: `none of its ${tensors.size} tensors${examples(tensors)} is called as in a model that is known`,
    });
  const unused = [...tensors.keys()].filter((key) => !used.has(key));
  const training = { vPrediction: unused.includes('v_pred'), zeroTerminalSnr: unused.includes('ztsnr') };
  return { path, parts, unused, training };
}

/** @throws `ERR_CHECKPOINT_UNKNOWN` for a tensor that has not the rows, or is not the matrix, that its name says */
function viewOf(store: WeightStore, key: string, file: string): TensorView {
  try {
    return store.find(key) as TensorView;
  } catch (error) {
    if (!isThimbleError(error, 'ERR_ARGUMENT_INVALID')) throw error;
    const problem = `what should be its "${key}" has another shape`;
    throw new ThimbleError('ERR_CHECKPOINT_UNKNOWN', { file, problem }, { cause: error });
  }
}

function refuseOthers(path: string, tensors: ReadonlyMap<string, TensorView>): void {
  for (const { name, instead, mark } of otherKinds)
    for (const key of tensors.keys())
      if (mark.test(key)) throw new ThimbleError('ERR_CHECKPOINT_OTHER', { file: path, kind: name, key, instead });
}

function examples(tensors: ReadonlyMap<string, TensorView>): string {
  const names = [...tensors.keys()].slice(0, 3).map((key) => `"${key}"`);
  return names.length === 0 ? '' : ` (${names.join(', ')}${tensors.size > names.length ? ', …' : ''})`;
}
