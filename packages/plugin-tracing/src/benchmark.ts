import type { Component, Tensor } from '@thimble/core';
import { checkMembers, checkOptionNames } from '@thimble/core/plugin';

/** Options of {@link benchmark}; the defaults are those of diffusers' guide. */
export interface BenchmarkOptions {
  /** Calls before the clock runs. Default 3. */
  readonly warmUp?: number | undefined;
  /** Default 2. */
  readonly experiments?: number | undefined;
  /** Calls in one experiment. Default 50. */
  readonly runsPerExperiment?: number | undefined;
  readonly entry?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link benchmark} measured, in milliseconds. */
export interface BenchmarkResult {
  /** The first call: graphs are built and loaded. */
  readonly first: number;
  /** Each call of each experiment. */
  readonly experiments: readonly (readonly number[])[];
  /** Over all calls. */
  readonly median: number;
}

/** Calls a component over and over with the same inputs, and measures. */
export async function benchmark(
  component: Pick<Component, 'invoke'>,
  inputs: Readonly<Record<string, Tensor>>,
  options: BenchmarkOptions = {},
): Promise<BenchmarkResult> {
  checkMembers('component', component, 'a component of a pipeline, or a traced one', ['invoke']);
  checkOptionNames(options, ['warmUp', 'experiments', 'runsPerExperiment', 'entry', 'signal'], 'benchmark');
  const { warmUp = 3, experiments = 2, runsPerExperiment = 50, entry = 'call', signal } = options;
  const run = async (): Promise<number> => {
    const started = performance.now();
    await component.invoke(entry, inputs, { signal });
    return performance.now() - started;
  };
  const series = async (count: number): Promise<number[]> => {
    const times: number[] = [];
    while (times.length < count) times.push(await run());
    return times;
  };
  const [first = 0] = await series(Math.max(1, warmUp));
  const measured: number[][] = [];
  while (measured.length < experiments) measured.push(await series(runsPerExperiment));
  return { first, experiments: measured, median: median(measured.flat()) };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
