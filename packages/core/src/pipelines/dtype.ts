import type { Device } from '../device/Device.js';
import { ThimbleError } from '../errors.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { SafetensorsDtype } from '../weights/SafetensorsDtype.js';
import type { FromPretrainedOptions, PipelineDtype } from './FromPretrainedOptions.js';
import type { WarningEvent } from './PipelineEvent.js';

/** How a dtype shows in a checkpoint: the variant that holds it, and its name in the files. */
const DTYPES: Readonly<Record<PipelineDtype, { readonly variant: string | undefined; readonly stored: SafetensorsDtype }>> = {
  float32: { variant: undefined, stored: 'F32' },
  float16: { variant: 'fp16', stored: 'F16' },
  bfloat16: { variant: 'bf16', stored: 'BF16' },
};

/** @throws ERR_ARGUMENT_INVALID for another name than those of the types */
export function checkDtype(dtype: PipelineDtype | undefined): void {
  if (dtype !== undefined && !Object.hasOwn(DTYPES, dtype)) throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'dtype', value: dtype, expected: `one of ${Object.keys(DTYPES).join(', ')}` });
}

/** The variant to look for. */
export function variantOf({ variant, dtype }: Pick<FromPretrainedOptions, 'variant' | 'dtype'>): string | undefined {
  return variant ?? (dtype === undefined ? undefined : DTYPES[dtype].variant);
}

/** What a component computes in. The CPU's kernels know float32 alone. */
export function activationsOf(dtype: PipelineDtype | undefined, { provider }: Device, config: Readonly<Record<string, unknown>>): 'float32' | 'float16' {
  return dtype === 'float16' && provider !== 'cpu' && config['force_upcast'] !== true ? 'float16' : 'float32';
}

/** What to say where a component's weights are in another type than the one that was asked for. */
export function storedOtherwise(component: string, { tensors, folder }: ComponentCheckpoint, dtype: PipelineDtype | undefined): WarningEvent | undefined {
  if (dtype === undefined) return undefined;
  const { stored, variant } = DTYPES[dtype];
  const types = [...new Set(Array.from(tensors.values(), (tensor) => tensor.dtype))].filter((type) => /^B?F\d/.test(type));
  if (types.includes(stored)) return undefined;
  const message = `The weights of ${component} in "${folder}" are stored as ${types.join(' and ')}, not as ${dtype}, and are used as they are${variant === undefined ? '' : `; save a variant "${variant}" for less memory`}.`;
  return { type: 'warning', code: 'WARN_DTYPE_STORED', message };
}
