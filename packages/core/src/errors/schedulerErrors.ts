import type { ErrorDefinitions } from './ErrorDefinition.js';
import { describeValue } from './describeValue.js';

/** Failures of schedulers, and of the tensors that they are given. */
export const schedulerErrors = {
  ERR_TENSOR_DTYPE: {
    summary: 'A tensor has another data type than the one that is needed.',
    message: (d: { got: string; expected: string }): string =>
      `a tensor is ${d.got} where ${d.expected} is needed; convert it first.`,
  },
  ERR_TENSOR_SHAPE: {
    summary: 'A tensor has another shape than the one that is needed.',
    message: (d: { got: readonly number[]; expected: readonly number[] | string }): string =>
      `a tensor has the shape [${d.got.join(', ')}] where ${typeof d.expected === 'string' ? d.expected : `[${d.expected.join(', ')}]`} is needed.`,
  },
  ERR_SCHEDULER_UNKNOWN: {
    summary: 'A checkpoint or a call names a scheduler that does not exist here.',
    message: (d: {
      scheduler: unknown;
      known: readonly string[];
      /** What may have been meant. */
      nearest?: string;
      /** The folder whose default it is. */
      folder?: string;
    }): string => `${unknownScheduler(d)} choose one of ${d.known.join(', ')}.`,
  },
  ERR_SCHEDULER_NOT_STARTED: {
    summary: 'A scheduler was asked for a step before it knew the number of steps.',
    message: (d: { scheduler: string }): string =>
      `${d.scheduler} has no timesteps yet; call setTimesteps(numInferenceSteps) before step().`,
  },
  ERR_SCHEDULER_NO_GENERATOR: {
    summary: 'A scheduler needs noise and was given none to draw from.',
    message: (d: { scheduler: string; why: string }): string =>
      `${d.scheduler} needs noise for this step (${d.why}); pass step(…, { generator: new TorchGenerator(seed) }).`,
  },
} as const satisfies ErrorDefinitions;

function unknownScheduler({
  scheduler,
  nearest,
  folder,
}: {
  readonly scheduler: unknown;
  readonly nearest?: string;
  readonly folder?: string;
}): string {
  if (folder !== undefined)
    return `the checkpoint "${folder}" comes with the scheduler ${describeValue(scheduler)}, which is not here; open it with another one, as in fromPretrained(…, { scheduler: 'euler' }):`;
  return `there is no scheduler ${describeValue(scheduler)}${nearest === undefined ? ';' : `; did you mean ${describeValue(nearest)}? If not,`}`;
}
