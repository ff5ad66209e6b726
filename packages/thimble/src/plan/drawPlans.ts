import type { Alternative, Quality } from '@thimble/planner';
import { niceStep } from '../memory/drawMemoryTimeline.js';
import { formatBytes, formatDuration } from '../progress/quantities.js';
import type { PlanReport } from './PlanReport.js';

const SIZE = { width: 960, height: 520 };
const PLOT = { left: 80, top: 84, right: 40, bottom: 62 };

const COLOURS: Readonly<Record<Quality, string>> = { exact: '#4e79a7', near: '#f28e2b', lossy: '#b07aa1' };

interface Point {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

/** Draws what each amount of memory is good for as SVG: the time of the fastest plan of each quality over the memory, on a logarithmic scale. */
export function drawPlans({ rungs, run, limitBytes }: PlanReport): string {
  const all = rungs
    .flatMap(({ best }) => Object.values(best))
    .filter((each): each is Alternative => each !== null && each !== undefined);
  const most = Math.max(1, ...all.map(({ seconds }) => seconds)) * 1.1;
  const xOf = (i: number): number =>
    round(PLOT.left + ((i + 0.5) / rungs.length) * (SIZE.width - PLOT.left - PLOT.right));
  const yOf = (seconds: number): number =>
    round(SIZE.height - PLOT.bottom - (seconds / most) * (SIZE.height - PLOT.top - PLOT.bottom));
  const qualities = [...new Set(all.map(({ quality }) => quality))];
  const steps = `${run.steps} ${run.steps === 1 ? 'step' : 'steps'}`;
  const limit = rungs.findIndex((rung) => rung.limitBytes !== null && rung.limitBytes >= (limitBytes ?? Infinity));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" width="${SIZE.width}" height="${SIZE.height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${PLOT.left}" y="28" font-size="15" font-weight="600">${run.width}×${run.height}, ${steps}: time over memory</text>`,
    ...qualities.map(
      (quality, i) =>
        `<rect x="${PLOT.left + i * 110}" y="44" width="12" height="12" fill="${COLOURS[quality]}"/><text x="${PLOT.left + i * 110 + 17}" y="54">${quality}</text>`,
    ),
    ...axes(most, yOf),
    ...rungs.map(
      ({ limitBytes: bytes }, i) =>
        `<text x="${xOf(i)}" y="${SIZE.height - PLOT.bottom + 20}" text-anchor="middle" font-size="11">${bytes === null ? 'no limit' : formatBytes(bytes)}</text>`,
    ),
    `<text x="${PLOT.left}" y="${SIZE.height - 12}" fill="#666">memory that both processes may take</text>`,
    ...(limitBytes === undefined || limit < 0
      ? []
      : [
          `<line x1="${xOf(limit)}" x2="${xOf(limit)}" y1="${PLOT.top}" y2="${SIZE.height - PLOT.bottom}" stroke="#c00" stroke-dasharray="6 4"/>`,
        ]),
    ...qualities.flatMap((quality) =>
      line(
        rungs.flatMap(({ best }, i): Point[] => {
          const each = best[quality];
          return each === null || each === undefined
            ? []
            : [
                {
                  x: xOf(i),
                  y: yOf(each.seconds),
                  label: `${each.techniques.join(', ') || 'no plugins'}: ${formatBytes(each.peakBytes)}, ${formatDuration(each.seconds * 1000)}`,
                },
              ];
        }),
        COLOURS[quality],
      ),
    ),
    '</svg>',
  ].join('\n');
}

function axes(most: number, yOf: (seconds: number) => number): string[] {
  const step = niceStep(most / 6);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step).map(
    (seconds) =>
      `<line x1="${PLOT.left}" x2="${SIZE.width - PLOT.right}" y1="${yOf(seconds)}" y2="${yOf(seconds)}" stroke="#e8e8e8"/><text x="${PLOT.left - 8}" y="${yOf(seconds) + 4}" text-anchor="end">${formatDuration(seconds * 1000)}</text>`,
  );
}

function line(points: readonly Point[], colour: string): string[] {
  const dots = points.map(
    ({ x, y, label }) => `<circle cx="${x}" cy="${y}" r="4" fill="${colour}"><title>${label}</title></circle>`,
  );
  const path = points.map(({ x, y }) => `${x},${y}`).join(' ');
  return [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.6"/>`, ...dots];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
