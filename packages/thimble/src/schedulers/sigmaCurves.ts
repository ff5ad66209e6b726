import { reportScheduler, type SchedulerReport } from './SchedulerReport.js';
import type { SchedulersFlags } from './SchedulersFlags.js';

/** How the noise level falls from step to step, and which schedulers do so. */
export interface SigmaCurve {
  readonly label: string;
  readonly levels: readonly number[];
}

/**
 * The curves of some schedulers; those that share one are named together. With `spacings`, also Karras', exponential and beta noise levels, by
 * DPM-Solver, where nothing else is asked for.
 */
export function sigmaCurves(
  reports: readonly SchedulerReport[],
  flags: SchedulersFlags,
  spacings: boolean,
): SigmaCurve[] {
  const named = reports.map(({ name, noiseLevels }) => ({ label: name, levels: noiseLevels }));
  const asked = flags.karras ?? flags.exponential ?? flags.beta ?? flags.spacing;
  const more = spacings && asked === undefined ? (['karras', 'exponential', 'beta'] as const) : [];
  const spaced = more.flatMap((spacing) => {
    const report = reportScheduler('DPMSolverMultistepScheduler', flags.steps, { ...flags, [spacing]: true });
    return report === undefined ? [] : [{ label: `dpm --${spacing}`, levels: report.noiseLevels }];
  });
  const groups = new Map<string, { readonly labels: string[]; readonly levels: readonly number[] }>();
  for (const { label, levels } of [...named, ...spaced].filter((curve) => curve.levels.length > 0)) {
    const key = levels.map((level) => level.toPrecision(4)).join();
    const group = groups.get(key) ?? { labels: [], levels };
    group.labels.push(label);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ labels, levels }) => ({ label: labels.join(', '), levels }));
}
