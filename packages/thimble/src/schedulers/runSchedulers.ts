import { createScheduler } from '@thimble/core';
import { checkExtension } from '../generate/FileFormat.js';
import { PictureWriter } from '../generate/PictureWriter.js';
import { formatTable } from '../inspect/formatTable.js';
import { drawSigmaCurves } from './drawSigmaCurves.js';
import { reportScheduler, schedulerClassNames, type SchedulerReport } from './SchedulerReport.js';
import type { SchedulersFlags } from './SchedulersFlags.js';
import { sigmaCurves } from './sigmaCurves.js';
import { print } from '../standardOutput.js';

const COLUMNS = [
  { title: 'NAME' },
  { title: 'CLASS', spare: true },
  { title: 'CALLS', right: true },
  { title: 'NOISE' },
  { title: 'TAKES', wraps: true },
];

/** Does what `thimble schedulers` says. */
export async function runSchedulers(names: readonly string[], flags: SchedulersFlags): Promise<void> {
  const { steps, svg, json = false } = flags;
  const classNames =
    names.length === 0 ? schedulerClassNames() : names.map((name) => createScheduler(name, {}).config._class_name);
  const reports = classNames.map(
    (className) =>
      reportScheduler(className, steps, flags) ?? {
        ...reportScheduler(className, 1, flags)!,
        timesteps: [],
        noiseLevels: [],
      },
  );
  if (svg !== undefined) {
    checkExtension('--svg', svg, '.svg');
    const writer = new PictureWriter({ overwrite: true });
    await writer.check(svg);
    await writer.writeText(
      drawSigmaCurves(
        sigmaCurves(reports, flags, names.length === 0),
        `Noise levels of ${steps} ${steps === 1 ? 'step' : 'steps'}`,
      ),
      svg,
    );
  }
  print(`${json ? JSON.stringify({ steps, schedulers: reports }) : formatReports(reports)}\n`);
}

function formatReports(reports: readonly SchedulerReport[]): string {
  const rows = reports.map(({ name, className, timesteps, noiseLevels, takes }) => [
    name,
    className,
    timesteps.length === 0 ? 'too many' : String(timesteps.length),
    rangeOf(noiseLevels),
    takes.join(' '),
  ]);
  return formatTable(COLUMNS, rows);
}

/** From the first to the last noise level. */
function rangeOf(levels: readonly number[]): string {
  const [first, last] = [levels[0], levels.at(-1)];
  return first === undefined || last === undefined ? '' : `${text(first)} … ${text(last)}`;
}

function text(level: number): string {
  return Number.isFinite(level) ? String(Number(level.toPrecision(3))) : '∞';
}
