import { openTensorFile, readTensorFloat32, storageFormatOf, type TensorView } from '@thimble/core/plugin';
import { mismatchIn, tensorsOf } from '../deltas/Delta.js';
import { LoraError } from '../LoraError.js';
import type { FileLayer } from './FileLayer.js';
import { familyOfLora } from './familyOfLora.js';
import { readDelta } from './readDelta.js';
import { type FactorName, readKey } from './readKey.js';
import { scalingOf } from './scalingOf.js';

/** A LoRA file that was opened: its header and its alphas were read; all else is mapped. */
export class LoraFile {
  /** Real path. */
  readonly path: string;
  /** For which family of models it was made, in words. */
  readonly family: string;
  readonly layers: readonly FileLayer[];
  /** Keys of tensors that are no part of a LoRA. */
  readonly others: readonly string[];

  private constructor(path: string, family: string, layers: readonly FileLayer[], others: readonly string[]) {
    this.path = path;
    this.family = family;
    this.layers = layers;
    this.others = others;
  }

  /** @throws ERR_LORA_FILE for what is no LoRA, or lacks a part; what `openTensorFile` throws */
  static async open(given: string): Promise<LoraFile> {
    const { path, tensors, metadata } = await openTensorFile(given);
    const { layers: factors, others } = groupByLayer(tensors);
    if (factors.size === 0) throw new LoraError('ERR_LORA_FILE', { file: path, problem: noLora(tensors) });
    const layers: FileLayer[] = [];
    for (const [name, parts] of factors) layers.push(await readLayer(path, name, parts, metadata));
    return new LoraFile(path, familyOfLora(layers), layers, others);
  }
}

function groupByLayer(tensors: ReadonlyMap<string, TensorView>): {
  readonly layers: ReadonlyMap<string, ReadonlyMap<FactorName, TensorView>>;
  readonly others: readonly string[];
} {
  const layers = new Map<string, Map<FactorName, TensorView>>();
  const others: string[] = [];
  for (const [key, view] of tensors) {
    const read = readKey(key);
    if (read === undefined) others.push(key);
    else layers.set(read.layer, (layers.get(read.layer) ?? new Map<FactorName, TensorView>()).set(read.factor, view));
  }
  return { layers, others };
}

async function readLayer(
  file: string,
  name: string,
  factors: ReadonlyMap<FactorName, TensorView>,
  metadata: Readonly<Record<string, unknown>>,
): Promise<FileLayer> {
  const read = readDelta(factors);
  if (read === undefined) {
    const problem = `of its layer "${name}" it has ${[...factors.keys()].join(', ')}, which is not all that makes a change`;
    throw new LoraError('ERR_LORA_FILE', { file, problem });
  }
  const { delta, rank } = read;
  const stored = tensorsOf(delta).find(({ dtype }) => storageFormatOf(dtype) === undefined);
  if (stored !== undefined)
    throw new LoraError('ERR_LORA_FILE', {
      file,
      problem: `"${stored.name}" is stored as ${stored.dtype}, which weights cannot be`,
    });
  const mismatch = mismatchIn(delta);
  if (mismatch !== undefined)
    throw new LoraError('ERR_LORA_FILE', { file, problem: `its layer "${name}" is damaged: ${mismatch}` });
  const alpha = factors.get('alpha');
  const factor =
    rank === undefined
      ? 1
      : alpha === undefined
        ? scalingOf(metadata, name, rank)
        : ((await readTensorFloat32(alpha))[0] as number) / rank;
  if (!Number.isFinite(factor))
    throw new LoraError('ERR_LORA_FILE', { file, problem: `the alpha of its layer "${name}" is no number` });
  return { name, delta, factor, magnitude: factors.get('magnitude') };
}

function noLora(tensors: ReadonlyMap<string, TensorView>): string {
  const [first] = tensors.keys();
  return first === undefined ? 'it has no tensors' : `none of its ${tensors.size} tensors ("${first}", …) is a LoRA's`;
}
