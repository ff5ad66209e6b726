import { join } from 'node:path';
import { ThimbleError } from '../errors.js';
import { type ComponentCheckpoint, openComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { DownloadEvent } from '../weights/hub/downloadSnapshot.js';
import { resolveModel } from '../weights/resolveModel.js';
import { bytesPerElement, type SafetensorsDtype } from '../weights/SafetensorsDtype.js';
import type { ModelConfig } from './ConfigReader.js';
import type { Model } from './Model.js';

/** Element types by the names that diffusers' `dtype` has. */
const DTYPES = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const satisfies Record<string, SafetensorsDtype>;

/** Options of a model's `fromPretrained`. */
export interface LoadPretrainedOptions {
  /** The model's folder in the checkpoint, such as 'transformer'; none where the checkpoint is that one model. */
  readonly subfolder?: string;
  /** What the weights may be stored as at most; all computing is in float32. Wider files are refused. Default: whatever they are. */
  readonly dtype?: keyof typeof DTYPES;
  /** Such as 'fp16' for `*.fp16.safetensors`. */
  readonly variant?: string;
  /** A hub id's branch, tag or commit. */
  readonly revision?: string;
  /** Never ask the hub, only its cache. */
  readonly localFilesOnly?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: DownloadEvent) => void;
}

/** A model with its weights, to be put into a pipeline: `fromPretrained(id, { components: { transformer } })`. Holds no memory and no files. */
export interface PretrainedModel<M extends Model = Model> {
  readonly model: M;
  readonly checkpoint: ComponentCheckpoint;
}

/** What a model's `fromPretrained` does. @throws what resolving and opening throw; ERR_ARGUMENT_INVALID for a model of another class, or a `dtype` below its weights' */
export async function loadPretrained<M extends Model>(className: string, fromConfig: (config: ModelConfig, className: string) => M, folderOrId: string, options: LoadPretrainedOptions): Promise<PretrainedModel<M>> {
  const { subfolder, dtype, ...where } = options;
  const { folder } = await resolveModel(folderOrId, { ...where, ...(subfolder === undefined ? {} : { components: [subfolder] }) });
  const checkpoint = await openComponentCheckpoint(join(folder, subfolder ?? ''), { variant: options.variant });
  const named = checkpoint.className ?? className;
  if (named !== className) throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: subfolder === undefined ? 'folderOrId' : 'subfolder', value: subfolder ?? folderOrId, expected: `a ${className}, not a ${named}` });
  if (dtype !== undefined) checkDtype(dtype, checkpoint);
  return { model: fromConfig(checkpoint.config, className), checkpoint };
}

function checkDtype(dtype: keyof typeof DTYPES, { tensors, folder }: ComponentCheckpoint): void {
  const most = DTYPES[dtype];
  if (most === undefined) throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'dtype', value: dtype, expected: `one of ${Object.keys(DTYPES).join(', ')}` });
  const wide = [...tensors.values()].find((info) => info.dtype.startsWith('F') && bytesPerElement(info.dtype) > bytesPerElement(most));
  if (wide !== undefined) throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'dtype', value: dtype, expected: `at least ${wide.dtype}, as the weights in "${folder}" are stored; ask for a variant that is smaller, or use a plugin that stores them in less` });
}
