import { checkPath, MemoryBudget, readOptions } from '@thimble/core/plugin';
import type { NamedBytes } from './model/CallFacts.js';
import { type ModelCall, modelCalls } from './model/ModelCall.js';
import { openToPlan } from './model/openToPlan.js';
import { runOf } from './model/runOf.js';
import type { RunShape } from './model/RunShape.js';
import { planFields, type PlanOptions } from './PlanOptions.js';

/** What the calls of one model take in a run. */
export interface CallNeeds {
  readonly component: string;
  readonly kind: ModelCall['kind'];
  /** Calls of a run: a denoiser's steps, twice as many where guidance is a call of its own. */
  readonly times: number;
  /** Samples of a call. */
  readonly samples: number;
  /** Bytes of weights that a call reads, as they are stored: of layers that no result depends on none, and of a table of embeddings the rows of its tokens alone. */
  readonly weightBytes: number;
  /** What sequential offloading has in memory at once, at its most. */
  readonly largestSegment: NamedBytes;
  /** The largest weight: a layer that is computed at once. */
  readonly largestWeight: NamedBytes;
  /** About how many bytes the values of a call take at once, in float32, weights not counted, where no memory limit makes layers compute in smaller parts. */
  readonly activationBytes: number;
  /** Multiplications, each with an addition, of a call's products, convolutions and attention. */
  readonly multiplications: number;
}

/** What a run takes, before anything is computed. */
export interface RunNeeds {
  readonly run: RunShape;
  /** In the order in which a run calls them. */
  readonly calls: readonly CallNeeds[];
  /** Bytes of weights that a step reads, where nothing stays in memory from one to the next. */
  readonly stepBytes: number;
  /** Bytes of weights that a run reads, likewise. */
  readonly runBytes: number;
}

/**
 * What a run of a model takes by its sizes: weights, values and multiplications of each call. Worked out of configs, the headers of weight files and graphs, by what plans are made of; nothing is
 * loaded or measured.
 *
 * @param model a folder, a file or a hub id, as `fromPretrained` takes it
 * @param options those of `planMemory`; what says how much memory or time there is has no effect
 * @throws ERR_ARGUMENT_INVALID; what opening the model throws; `signal.reason`
 */
export async function runNeeds(model: string, options: PlanOptions = {}): Promise<RunNeeds> {
  checkPath('model', model, 'a folder, a file, or a hub id');
  const values = readOptions(options, planFields, 'runNeeds');
  await using pipe = await openToPlan(model, values);
  const run = runOf(pipe, values);
  const calls = modelCalls(pipe.components, run, pipe).map(needsOf);
  const bytesOf = (all: readonly CallNeeds[]): number =>
    all.reduce((sum, { weightBytes, times }) => sum + weightBytes * times, 0);
  const denoising = calls.filter(({ kind }) => kind === 'denoiser');
  return { run, calls, stepBytes: bytesOf(denoising) / run.steps, runBytes: bytesOf(calls) };
}

function needsOf({ component, kind, times, samples, facts }: ModelCall): CallNeeds {
  const { weights, operations } = facts;
  const { linear, convolution, attention } = operations;
  return {
    component: component.name,
    kind,
    times,
    samples,
    weightBytes: weights.bytes,
    largestSegment: weights.largestSegment,
    largestWeight: weights.largestWeight,
    activationBytes: facts.valueBytes(samples, new MemoryBudget(undefined).transientBytes, Infinity),
    multiplications: (linear + convolution + attention) * samples,
  };
}
