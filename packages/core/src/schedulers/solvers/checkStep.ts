import type { Tensor } from 'onnxruntime-common';
import { booleanField, type Field, integerField, nullable, numberField } from '../../fields/Field.js';
import { objectField } from '../../fields/objectField.js';
import { optional } from '../../fields/optionFields.js';
import { readOptions } from '../../fields/readOptions.js';
import type { Generator } from '../../random/Generator.js';
import { checkStepTensors } from '../numeric/tensors.js';
import type { StepOptions } from '../Scheduler.js';

const numbered = optional(numberField(0));
const pastAll = { ...numbered, accepts: (x: unknown) => x === Infinity || numbered.accepts(x) };
const tensor = objectField<Tensor>('Tensor', 'a float32 tensor', (x) => isObject(x) && 'dims' in x && 'data' in x);
const generator = objectField<Generator>('Generator', 'a generator', (x) => isObject(x) && 'randn' in x);

/** What any scheduler's `step` may be given. */
const STEP_FIELDS: { readonly [K in keyof Required<StepOptions>]: Field } = {
  eta: numbered,
  useClippedModelOutput: optional(booleanField(false)),
  generator,
  varianceNoise: tensor,
  sChurn: numbered,
  sTmin: numbered,
  sTmax: pastAll,
  sNoise: numbered,
  order: optional(integerField(4, 1)),
  oldPredOriginalSample: nullable(tensor),
  timestepBack: nullable(numbered),
};

/**
 * Checks what a scheduler's `step` is given, before its state changes: the options, and {@link checkStepTensors}.
 *
 * @throws `ERR_ARGUMENT_INVALID` for an option that no scheduler has, or a value that it cannot have; `ERR_TENSOR_DTYPE`, `ERR_TENSOR_SHAPE`
 */
export function checkStep(scheduler: string, modelOutput: Tensor, sample: Tensor, options: StepOptions): void {
  checkStepOptions(scheduler, options);
  checkStepTensors(modelOutput, sample);
}

/** Checks the options of a scheduler's `step`. @throws `ERR_ARGUMENT_INVALID` */
export function checkStepOptions(scheduler: string, options: StepOptions): void {
  readOptions(options, STEP_FIELDS, `${scheduler}.step`);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
