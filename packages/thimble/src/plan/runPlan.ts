import { openPlanner, type Plan, planOrRefuse } from '@thimble/planner';
import { checkExtension } from '../generate/FileFormat.js';
import { PictureWriter } from '../generate/PictureWriter.js';
import type { Interruption } from '../Interruption.js';
import { print } from '../standardOutput.js';
import { withoutUndefined } from '../withoutUndefined.js';
import { drawPlans } from './drawPlans.js';
import { formatPlan } from './formatPlan.js';
import type { PlanFlags } from './PlanFlags.js';
import { type PlanReport, planRungs } from './PlanReport.js';

/** Does what `thimble plan` says. */
export async function runPlan(model: string, flags: PlanFlags, { signal }: Interruption): Promise<void> {
  const { svg, quality = 'exact', json = false } = flags;
  const writer = new PictureWriter({ overwrite: true });
  if (svg !== undefined) {
    checkExtension('--svg', svg, '.svg');
    await writer.check(svg);
  }
  const { planner, limitBytes, ofSize } = await openPlanner(model, optionsOf(flags, signal));
  const chosen = await planOrRefuse(planner, { limitBytes, quality, ofSize });
  const rungs = await planRungs(planner, quality, signal);
  const report: PlanReport = { ...described(chosen), run: planner.run, rungs };
  if (svg !== undefined) await writer.writeText(drawPlans(report), svg);
  print(`${json ? JSON.stringify(report) : formatPlan(report)}\n`);
}

function optionsOf(flags: PlanFlags, signal: AbortSignal): Parameters<typeof openPlanner>[1] {
  const { memoryLimit, size, count, steps, guidance, quality, lora, variant, revision, config, offline } = flags;
  return {
    ...withoutUndefined({ count, numInferenceSteps: steps, guidance, lora, variant, revision, config }),
    ...size,
    memory: memoryLimit,
    quality,
    localFilesOnly: offline ?? false,
    signal,
  };
}

/** A plan as data: its plugins by their names. */
function described({ plugins, ...plan }: Plan): Omit<PlanReport, 'run' | 'rungs'> {
  return { ...plan, plugins: plugins.map(({ name }) => name) };
}
