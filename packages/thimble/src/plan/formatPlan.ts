import type { Alternative } from '@thimble/planner';
import { formatTable } from '../inspect/formatTable.js';
import { formatBytes, formatDuration } from '../progress/quantities.js';
import type { PlanReport, PlanRung } from './PlanReport.js';

/** Alternatives that are shown. */
const MOST = 12;

/** A plan for people: what was chosen, what else there is, and what each amount of memory is good for. */
export function formatPlan(report: PlanReport): string {
  return [report.lines.join('\n'), alternativesTable(report), rungsTable(report.rungs)].join('\n\n');
}

function alternativesTable({ alternatives }: PlanReport): string {
  const columns = [
    { title: 'ALTERNATIVES', wraps: true },
    { title: 'QUALITY' },
    { title: 'MEMORY', right: true },
    { title: 'TIME', right: true },
    { title: 'FITS' },
  ];
  const rows = alternatives.slice(0, MOST).map((each) => [...cells(each), each.fits ? 'yes' : 'no']);
  const more = alternatives.length - MOST;
  return `${formatTable(columns, rows)}${more > 0 ? `\n${more} more, with --json` : ''}`;
}

function rungsTable(rungs: readonly PlanRung[]): string {
  const columns = [
    { title: 'WITHIN' },
    { title: 'FASTEST', wraps: true },
    { title: 'QUALITY' },
    { title: 'MEMORY', right: true },
    { title: 'TIME', right: true },
  ];
  const rows = rungs.flatMap(({ limitBytes, best }) => {
    const within = limitBytes === null ? 'no limit' : formatBytes(limitBytes);
    const found = Object.values(best).filter((each) => each !== null && each !== undefined);
    const distinct = found.filter((each, i) => i === 0 || each.seconds < (found[i - 1] as Alternative).seconds);
    if (distinct.length === 0) return [[within, 'nothing fits']];
    return distinct.map((each, i) => [i === 0 ? within : '', ...cells(each)]);
  });
  return formatTable(columns, rows);
}

function cells({ techniques, quality, peakBytes, seconds }: Alternative): readonly string[] {
  return [techniques.join(', ') || 'no plugins', quality, formatBytes(peakBytes), formatDuration(seconds * 1000)];
}
