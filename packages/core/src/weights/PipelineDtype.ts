import { ThimbleError } from '../errors.js';
import type { SafetensorsDtype } from './files/SafetensorsDtype.js';

/** Types of a model's weights and activations; torch's names. */
export type PipelineDtype = 'float32' | 'float16' | 'bfloat16';

/** How a dtype shows in a checkpoint: the variant that holds it, and its name in the files. */
export const PIPELINE_DTYPES: Readonly<
  Record<PipelineDtype, { readonly variant: string | undefined; readonly stored: SafetensorsDtype }>
> = {
  float32: { variant: undefined, stored: 'F32' },
  float16: { variant: 'fp16', stored: 'F16' },
  bfloat16: { variant: 'bf16', stored: 'BF16' },
};

/** @throws ERR_ARGUMENT_INVALID for another name than those of the types */
export function checkDtype(dtype: PipelineDtype | undefined): void {
  // What cannot be made a text is no name of a property either, and asking for it would throw.
  if (dtype !== undefined && !(typeof dtype === 'string' && Object.hasOwn(PIPELINE_DTYPES, dtype)))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'dtype',
      value: dtype,
      expected: `one of ${Object.keys(PIPELINE_DTYPES).join(', ')}`,
    });
}

/** The variant to look for. @throws ERR_ARGUMENT_INVALID for one that is no text */
export function variantOf({
  variant,
  dtype,
}: {
  readonly variant?: string | undefined;
  readonly dtype?: PipelineDtype | undefined;
}): string | undefined {
  if (typeof (variant ?? '') !== 'string')
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'variant',
      value: variant,
      expected: 'a text such as fp16',
    });
  return variant ?? (dtype === undefined ? undefined : PIPELINE_DTYPES[dtype].variant);
}
