import { spillFolder } from '@thimble/core/plugin';
import type { Tensor } from '@thimble/core';
import type { ComponentHandle, SampleRows } from '@thimble/core/plugin';
import type { GroupStatistics } from './GroupStatistics.js';
import { RowGraph } from './RowGraph.js';
import { planStrips, type StripPlan } from './StripPlan.js';
import type { StoredType } from './cutRows.js';
import { StripRunner } from './StripRunner.js';

/** Share of the budget that the scores of attention may take, and the most that is of use. */
const SCORE_SHARE = 1 / 8;
const MOST_SCORE_BYTES = 32 * 2 ** 20;

/** What a seamless computation works with. */
export interface SeamlessOptions {
  readonly component: ComponentHandle;
  readonly entry: string;
  /** The name of the entry point's input. */
  readonly input: string;
  /** In bytes. */
  readonly budget: number;
  readonly spillType: StoredType;
  readonly tempDir: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly progress: (done: number, total: number) => void;
}

/** A picture's entry point as it will be computed: strips, and what is spilled. */
export interface SeamlessPlan {
  readonly model: RowGraph;
  readonly strips: StripPlan;
}

/** Plans for a picture of the size of `x` [1, c, h, w]. @throws RangeError for a model that cannot be cut into rows */
export function planSeamless(x: Tensor, { component, entry, input, budget, spillType }: SeamlessOptions): SeamlessPlan {
  const model = new RowGraph(component.graph(entry, { [input]: { type: 'float32', dims: x.dims } }));
  return { model, strips: planStrips(model, { bytes: budget, spillType }) };
}

/**
 * What the model gives for one picture as a whole, with bounded memory. `statistics` receives those of the normalised values.
 *
 * @throws `signal.reason`; ERR_DISK_FULL, ERR_ARGUMENT_INVALID (tempDir) before the work starts
 */
export async function* seamlessRows(
  x: Tensor,
  { model, strips }: SeamlessPlan,
  options: SeamlessOptions,
  statistics?: (found: ReadonlyMap<string, GroupStatistics>) => void,
): AsyncGenerator<SampleRows> {
  const { component, budget, tempDir, signal, progress } = options;
  const folder = strips.diskBytes > 0 ? await spillFolder(tempDir, strips.diskBytes) : undefined;
  const scoreBytes = Math.min(MOST_SCORE_BYTES, budget * SCORE_SHARE);
  const runner = new StripRunner({ component, model, plan: strips, scoreBytes, folder, signal, progress });
  const height = model.heightOf(model.graph.outputs[0]?.name as string);
  for await (const { start, tensor } of runner.run(x)) yield { index: 0, top: start, height, rows: tensor };
  statistics?.(runner.statistics);
}
