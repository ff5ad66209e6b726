import { checkMembers } from '../../fields/checkMembers.js';
import { spillFolder } from '../../device/spillFolder.js';
import type { Tensor } from 'onnxruntime-common';
import type { ComponentHandle } from '../../hooks/calls/ComponentHandle.js';
import type { SampleRows } from '../../hooks/calls/SampleRows.js';
import type { GroupStatistics } from '../../graph/rows/GroupStatistics.js';
import { RowGraph } from '../../graph/rows/RowGraph.js';
import { planStrips, type StripPlan } from '../../graph/rows/StripPlan.js';
import type { StoredType } from '../../graph/rows/cutRows.js';
import { StripRunner } from './StripRunner.js';

/** Share of the budget that the scores of attention may take, and the most that is of use. */
const SCORE_SHARE = 1 / 8;
const MOST_SCORE_BYTES = 32 * 2 ** 20;

/** What the scores of attention may take within a budget for strips, in bytes. */
export function scoreBytesOf(budget: number): number {
  return Math.min(MOST_SCORE_BYTES, budget * SCORE_SHARE);
}

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

/** Plans for a picture of the size of `x` [1, c, h, w]. @throws RangeError for a model that cannot be cut into rows; `signal.reason` */
export async function planSeamless(x: Tensor, options: SeamlessOptions): Promise<SeamlessPlan> {
  checkMembers('x', x, 'a tensor', ['dims', 'data']);
  checkOptions(options);
  const { component, entry, input, budget, spillType, signal } = options;
  const model = new RowGraph(component.graph(entry, { [input]: { type: 'float32', dims: x.dims } }));
  return { model, strips: await planStrips(model, { bytes: budget, spillType }, signal) };
}

/**
 * What the model gives for one picture as a whole, with bounded memory. `statistics` receives those of the normalised values.
 *
 * @throws `signal.reason`; ERR_DISK_FULL, ERR_ARGUMENT_INVALID (tempDir) before the work starts
 */
export async function* seamlessRows(
  x: Tensor,
  plan: SeamlessPlan,
  options: SeamlessOptions,
  statistics?: (found: ReadonlyMap<string, GroupStatistics>) => void,
): AsyncGenerator<SampleRows> {
  checkMembers('plan', plan, 'what planSeamless gives', ['model', 'strips']);
  checkOptions(options);
  const { model, strips } = plan;
  const { component, budget, tempDir, signal, progress } = options;
  const folder = strips.diskBytes > 0 ? await spillFolder(tempDir, strips.diskBytes) : undefined;
  const runner = new StripRunner({
    component,
    model,
    plan: strips,
    scoreBytes: scoreBytesOf(budget),
    folder,
    signal,
    progress,
  });
  const height = model.heightOf(model.graph.outputs[0]?.name as string);
  for await (const { start, tensor } of runner.run(x)) yield { index: 0, top: start, height, rows: tensor };
  statistics?.(runner.statistics);
}

/** @throws ERR_ARGUMENT_INVALID */
function checkOptions(options: SeamlessOptions): void {
  checkMembers('options', options, '{ component, entry, input, budget, spillType }', [
    'component',
    'entry',
    'input',
    'budget',
  ]);
}
