import { checkOptionNames } from '../../fields/checkOptionNames.js';
import { ThimbleError } from '../../errors.js';
import type { SetTimestepsOptions } from '../Scheduler.js';

const SET_TIMESTEPS_OPTIONS: readonly (keyof SetTimestepsOptions)[] = [
  'timesteps',
  'sigmas',
  'mu',
  'originalInferenceSteps',
  'strength',
];

/** What a scheduler's `setTimesteps` can work with. */
export interface StepCountRules {
  readonly scheduler: string;
  /** The options that it takes; any other is refused, so that nobody believes it to work. */
  readonly takes?: readonly (keyof SetTimestepsOptions)[];
  /** The fewest steps. Default 1. */
  readonly min?: number;
  /** The most steps. */
  readonly max: number;
  /** What `max` is, in the words of the message, if not the scheduler's `num_train_timesteps`. */
  readonly maxIs?: string | undefined;
  /** The largest own timestep. Default `max` - 1. */
  readonly maxTimestep?: number;
  /** Whether the config spaces the noise levels, which leaves no room for own timesteps. */
  readonly ownSpacing?: boolean;
  /** Whether own `sigmas` end with the noise level that is left at the end, as k-diffusion's do, one more than steps. */
  readonly sigmasWithEnd?: boolean;
}

/**
 * Checks what `setTimesteps` was called with, and says how many steps that makes: own timesteps or sigmas bring their number with
 * them.
 *
 * @throws `ERR_ARGUMENT_INVALID` for options that the scheduler does not take, for timesteps and sigmas at once, for lists that
 * do not fall from noise to image, and for a number of steps that is none, is too many, or contradicts the list
 */
export function resolveStepCount(
  numInferenceSteps: number | undefined,
  options: SetTimestepsOptions,
  rules: StepCountRules,
): number {
  checkOptions(options, rules);
  if (options.timesteps !== undefined || options.sigmas !== undefined)
    return countOfOwn(numInferenceSteps, options, rules);
  checkStepCount(numInferenceSteps as number, rules.min ?? 1, rules.max, rules.maxIs);
  return numInferenceSteps as number;
}

/** Refuses options that no scheduler takes. @throws `ERR_ARGUMENT_INVALID` */
export function checkSetTimestepsOptions(scheduler: string, options: SetTimestepsOptions): void {
  checkOptionNames(options, SET_TIMESTEPS_OPTIONS, `${scheduler}.setTimesteps`);
}

function checkOptions(
  options: SetTimestepsOptions,
  { scheduler, takes = [], ownSpacing = false }: StepCountRules,
): void {
  checkSetTimestepsOptions(scheduler, options);
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !(takes as readonly string[]).includes(name))
      refuse(name, value, `nothing: ${scheduler} does not take it`);
  }
  const { timesteps, sigmas } = options;
  if (timesteps !== undefined && sigmas !== undefined) refuse('sigmas', sigmas, 'timesteps or sigmas, not both');
  if (timesteps !== undefined && ownSpacing)
    refuse(
      'timesteps',
      timesteps,
      `nothing while ${scheduler}'s config spaces the noise levels itself, as use_karras_sigmas does`,
    );
}

function countOfOwn(
  numInferenceSteps: number | undefined,
  { timesteps, sigmas }: SetTimestepsOptions,
  rules: StepCountRules,
): number {
  const { min = 1, max, maxTimestep = max - 1, sigmasWithEnd = false } = rules;
  const [argument, own, most] =
    timesteps === undefined
      ? (['sigmas', sigmas as readonly number[], Infinity] as const)
      : (['timesteps', timesteps, maxTimestep] as const);
  checkFalling(argument, own, 0, most);
  const count = argument === 'sigmas' && sigmasWithEnd ? own.length - 1 : own.length;
  if (count < min) refuse(argument, own, `enough of them for ${min} ${min === 1 ? 'step' : 'steps'}`);
  if (numInferenceSteps !== undefined && numInferenceSteps !== count && numInferenceSteps !== own.length) {
    refuse('numInferenceSteps', numInferenceSteps, `nothing, or ${count}, as many as the given ${argument} make`);
  }
  return count;
}

function checkFalling(argument: string, values: readonly number[], least: number, most: number): void {
  const falls =
    Array.isArray(values) &&
    values.every((x, i) => Number.isFinite(x) && x >= least && x <= most && (i === 0 || x < values[i - 1]!));
  if (!falls)
    refuse(
      argument,
      values,
      `numbers from ${most === Infinity ? 'any noise level' : most} down to ${least}, each below the one before it`,
    );
}

function refuse(argument: string, value: unknown, expected: string): never {
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}

/**
 * Checks a number of inference steps.
 *
 * @param min the fewest that the scheduler can work with
 * @param max the most
 * @param maxIs what `max` is, in the words of the message
 * @throws `ERR_ARGUMENT_INVALID` if it is not an integer in [min, max]
 */
function checkStepCount(
  numInferenceSteps: number,
  min: number,
  max: number,
  maxIs = "the scheduler's num_train_timesteps",
): void {
  if (Number.isInteger(numInferenceSteps) && numInferenceSteps >= min && numInferenceSteps <= max) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'numInferenceSteps',
    value: numInferenceSteps,
    expected: `an integer from ${min} to ${max}, ${maxIs}`,
  });
}
