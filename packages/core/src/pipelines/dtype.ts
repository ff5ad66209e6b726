import type { Device } from '../device/Device.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import { PIPELINE_DTYPES, type PipelineDtype } from '../weights/PipelineDtype.js';
import type { WarningEvent } from '../run/PipelineEvent.js';

/** What a component computes in. The CPU's kernels know float32 alone. */
export function activationsOf(
  dtype: PipelineDtype | undefined,
  { provider }: Device,
  config: Readonly<Record<string, unknown>>,
): 'float32' | 'float16' {
  return dtype === 'float16' && provider !== 'cpu' && config['force_upcast'] !== true ? 'float16' : 'float32';
}

/** What to say where a component's weights are in another type than the one that was asked for. */
export function storedOtherwise(
  component: string,
  { tensors, folder }: ComponentCheckpoint,
  dtype: PipelineDtype | undefined,
): WarningEvent | undefined {
  if (dtype === undefined) return undefined;
  const { stored, variant } = PIPELINE_DTYPES[dtype];
  const types = [...new Set(Array.from(tensors.values(), (tensor) => tensor.dtype))].filter((type) =>
    /^B?F\d/.test(type),
  );
  if (types.includes(stored)) return undefined;
  const message = `The weights of ${component} in "${folder}" are stored as ${types.join(' and ')}, not as ${dtype}, and are used as they are${variant === undefined ? '' : `; save a variant "${variant}" for less memory`}.`;
  return { type: 'warning', code: 'WARN_DTYPE_STORED', message };
}
