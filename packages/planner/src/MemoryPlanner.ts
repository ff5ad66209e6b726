import { ThimbleError } from '@thimble/core';
import { type AddedCall, checkMembers, type ComponentHandle, MemoryBudget, type RunCalls } from '@thimble/core/plugin';
import { leastCache } from './memory/leastCache.js';
import { type CallPeak, peakOf } from './memory/peakOf.js';
import { isOfVae, type ModelCall, modelCalls } from './model/ModelCall.js';
import type { RunShape } from './model/RunShape.js';
import type { Alternative, Plan } from './Plan.js';
import { linesOf, megabytes, shapeText } from './linesOf.js';
import { type Combination, combinations, type InstalledPlugin } from './techniques/combinations.js';
import { QUALITIES, type Quality, type Setup } from './techniques/Setup.js';
import type { MachineSpeed } from './time/MachineSpeed.js';
import { secondsOf, storedBytes } from './time/secondsOf.js';

const MB = 2 ** 20;

/** What plans begin with. */
export interface MemoryPlannerParts {
  readonly components: Readonly<Record<string, ComponentHandle>>;
  readonly run: RunShape;
  /** What the pipeline's runs call. */
  readonly calls?: RunCalls;
  /** What plugins add to it. */
  readonly added?: readonly AddedCall[];
  readonly speed: MachineSpeed;
  /** Plugins that stay. */
  readonly installed?: readonly InstalledPlugin[];
  /** Bytes of weights beside the model's, such as those of LoRAs. */
  readonly besideBytes?: number;
}

/** A combination, with what it takes. */
interface Estimate extends Alternative {
  readonly combination: Combination;
  /** What a limit counts beside what the processes hold: the pages that they cannot do without, and what the system keeps to find them. */
  readonly pageBytes: number;
}

/** Times that cannot be told apart. */
const ALIKE_SHARE = 1.01;
const ALIKE_SECONDS = 0.05;

/** Of what is as fast as another, that is preferred which leaves a twentieth of the limit free: runs that were measured held up to a tenth more than was planned. */
const ROOMY_SHARE = 0.95;

/** Eight bytes for each page of four kilobytes: 40 MB were there for all 20 GB of Z-Image's weights. */
const PAGE_ENTRY_SHARE = 8 / 4096;

/** Steps of the search for the least limit. */
const LIMIT_STEP = 16 * MB;
const MOST_LIMIT = 64 * 1024 * MB;

/** Plans runs of one size of one model: what is worked out for one limit is not worked out again for the next. */
export class MemoryPlanner {
  readonly #parts: MemoryPlannerParts;
  readonly #calls: readonly ModelCall[];
  /** Tensors of all models. */
  readonly #tensors: number;

  constructor(parts: MemoryPlannerParts) {
    checkMembers('parts', parts, '{ components, run, speed }', ['components', 'run', 'speed']);
    this.#parts = parts;
    this.#calls = modelCalls(parts.components, parts.run, parts);
    this.#tensors = Object.values(parts.components).reduce((sum, { weights }) => sum + [...weights.keys()].length, 0);
  }

  /** The run that it plans. */
  get run(): RunShape {
    return this.#parts.run;
  }

  /** The fastest combination that a limit has room for; `undefined` where it has room for none. */
  async plan(limitBytes: number | undefined, quality: Quality): Promise<Plan | undefined> {
    const estimates = await this.estimates(limitBytes, quality);
    const best = choose(estimates, limitBytes);
    if (best === undefined) return undefined;
    const plugins = await Promise.all(best.combination.techniques.map(async ({ create }) => create()));
    const { techniques, peakBytes, seconds } = best;
    return {
      plugins,
      techniques,
      quality: best.quality,
      peakBytes,
      seconds,
      limitBytes,
      lines: linesOf(best, { run: this.#parts.run, limitBytes, installed: this.#parts.installed ?? [] }),
      alternatives: estimates.map(alternativeOf),
    };
  }

  /** As {@link MemoryPlanner.plan}, without making the plugins. */
  async best(limitBytes: number | undefined, quality: Quality): Promise<Alternative | undefined> {
    const best = choose(await this.estimates(limitBytes, quality), limitBytes);
    return best && alternativeOf(best);
  }

  /** Every combination with what it takes: those that fit first, the fastest of them before the others, and among equals the one that takes least. */
  async estimates(limitBytes: number | undefined, quality: Quality): Promise<readonly Estimate[]> {
    const budget = new MemoryBudget(limitBytes);
    const { run, installed } = this.#parts;
    const all: Estimate[] = [];
    for (const combination of combinations(quality, run, installed))
      all.push(await this.#estimate(combination, budget));
    return all.toSorted(
      (a, b) => Number(b.fits) - Number(a.fits) || a.seconds - b.seconds || a.peakBytes - b.peakBytes,
    );
  }

  /** The least limit that has room for a combination of a quality, to 16 MB; `undefined` where none has. */
  async leastLimit(quality: Quality, above = 0): Promise<number | undefined> {
    const fits = async (steps: number): Promise<boolean> =>
      (await this.estimates(steps * LIMIT_STEP, quality))[0]?.fits === true;
    let [low, high] = [Math.floor(above / LIMIT_STEP), Math.ceil(above / LIMIT_STEP) + 1];
    while (!(await fits(high))) {
      low = high;
      high *= 2;
      if (high * LIMIT_STEP > MOST_LIMIT) return undefined;
    }
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await fits(middle)) high = middle;
      else low = middle;
    }
    return high * LIMIT_STEP;
  }

  /** What is said where a limit has room for no combination of a quality. `largest`: the size that would fit. */
  async refusal(limitBytes: number, quality: Quality, largest?: string): Promise<ThimbleError> {
    const estimates = await this.estimates(limitBytes, quality);
    const leastPeak = Math.min(...estimates.map(({ peakBytes }) => peakBytes));
    const neededBytes = leastPeak + this.#cacheNeed(new MemoryBudget(limitBytes));
    const least = await this.leastLimit(quality, limitBytes);
    const better = QUALITIES.slice(QUALITIES.indexOf(quality) + 1);
    const advice = [
      least === undefined ? 'No limit would do' : `The least that would do is ${megabytes(least)}`,
      ...(largest === undefined ? [] : [`the largest of this shape that fits is ${largest}`]),
    ].join('; ');
    const other = await this.#firstThatFits(limitBytes, better);
    return new ThimbleError('ERR_MEMORY_LIMIT', {
      what: `${shapeText(this.#parts.run)}, by the plan that takes least,`,
      neededBytes: Math.max(neededBytes, limitBytes + 1),
      limitBytes,
      advice: `${advice}.${other === undefined ? '' : ` With quality '${other.quality}' it would fit: ${other.techniques.join(', ')}.`}`,
      ...(largest === undefined ? {} : { largest }),
    });
  }

  async #firstThatFits(limitBytes: number, qualities: readonly Quality[]): Promise<Estimate | undefined> {
    for (const quality of qualities) {
      const [best] = await this.estimates(limitBytes, quality);
      if (best?.fits === true) return best;
    }
    return undefined;
  }

  /** Of a model that is smaller than that, its weights are all that has to be there. */
  #cacheNeed(budget: MemoryBudget): number {
    return Math.min(
      leastCache(budget),
      Math.max(0, ...this.#calls.map(({ facts }) => facts.weights.largestSegment.bytes)),
    );
  }

  /** What the system keeps to find mapped weights, from the first time that they are read until their session goes: a limit counts it. */
  #pageTables(setup: Setup, { weightParts }: MemoryBudget): number {
    if (weightParts !== undefined) return 0;
    const mapped = this.#calls.map(({ facts: { weights }, kind }) =>
      setup.residency === 'segment' ? weights.largestSegment.bytes : storedBytes(weights, setup, kind),
    );
    const bytes = setup.residency === 'all' ? mapped.reduce((sum, each) => sum + each, 0) : Math.max(0, ...mapped);
    return bytes * PAGE_ENTRY_SHARE;
  }

  async #estimate(combination: Combination, budget: MemoryBudget): Promise<Estimate> {
    const { setup, techniques, quality } = combination;
    const { speed, besideBytes = 0 } = this.#parts;
    const peaks = await this.#peaks(setup, budget);
    const peakBytes = Math.max(0, ...peaks.map(({ bytes }) => bytes)) + MemoryBudget.tensorBytes(this.#tensors);
    const limit = budget.limit ?? Infinity;
    const pageBytes = this.#cacheNeed(budget) + this.#pageTables(setup, budget);
    const weights = this.#calls.reduce(
      (sum, { facts, kind }) => sum + storedBytes(facts.weights, setup, kind),
      besideBytes,
    );
    const seconds = peaks.reduce(
      (sum, peak) => {
        const cacheBytes = Math.max(0, limit - peak.bytes);
        return sum + secondsOf(peak, { setup, budget, speed, cacheBytes });
      },
      weights === 0 ? 0 : besideBytes / speed.read,
    );
    return {
      combination,
      techniques: techniques.map(({ title }) => title),
      plugins: techniques.map(({ plugin }) => plugin),
      quality,
      peakBytes,
      seconds,
      pageBytes,
      fits: peaks.every(({ refused }) => !refused) && peakBytes + pageBytes <= limit,
    };
  }

  /** What each call takes at its most, with what those before it left. */
  async #peaks(setup: Setup, budget: MemoryBudget): Promise<readonly CallPeak[]> {
    const peaks: CallPeak[] = [];
    let [loadedNodes, before] = [0, 0];
    for (const call of this.#calls) {
      const peak = await peakOf(call, { setup, budget, loadedNodes });
      peaks.push({ ...peak, bytes: peak.bytes + budget.leftBytes(before, heldAs(peak)) });
      if (setup.residency !== 'all') continue;
      loadedNodes += call.facts.nodes(budget.transientBytes);
      before = Math.max(before, peak.bytes);
    }
    return peaks;
  }
}

/** What a call's memory is counted as, see {@link MemoryBudget.leftBytes}. */
function heldAs({ call, strips }: CallPeak): 'values' | 'picture' | 'strips' {
  if (!isOfVae(call)) return 'values';
  return strips === undefined ? 'picture' : 'strips';
}

/** The fastest that fits; of those that are as fast but for what cannot be told apart, the one with fewest techniques that leaves something free, or else the one that takes least. */
function choose(estimates: readonly Estimate[], limitBytes: number | undefined): Estimate | undefined {
  const fitting = estimates.filter(({ fits }) => fits);
  const fastest = Math.min(...fitting.map(({ seconds }) => seconds));
  const alike = fitting.filter(({ seconds }) => seconds <= fastest * ALIKE_SHARE + ALIKE_SECONDS);
  const most = (limitBytes ?? Infinity) * ROOMY_SHARE;
  const roomy = alike.filter(({ peakBytes, pageBytes }) => peakBytes + pageBytes <= most);
  return roomy.length > 0
    ? roomy.toSorted((a, b) => a.techniques.length - b.techniques.length || a.peakBytes - b.peakBytes)[0]
    : alike.toSorted((a, b) => a.peakBytes - b.peakBytes)[0];
}

function alternativeOf({ combination: _, pageBytes: _pages, ...alternative }: Estimate): Alternative {
  return alternative;
}
