import type { SigmaCurve } from './sigmaCurves.js';

const SIZE = { width: 960, height: 560 };
const PLOT = { left: 70, top: 60, right: 330, bottom: 56 };
const COLOURS = [
  '#4e79a7',
  '#f28e2b',
  '#59a14f',
  '#e15759',
  '#b07aa1',
  '#76b7b2',
  '#edc948',
  '#9c755f',
  '#111111',
  '#a0a0a0',
  '#1f9ede',
  '#d4006a',
];

/** Noise levels beyond this are drawn at the edge: flow matching starts with no image at all. */
const MOST = 1000;

/** Draws noise levels over the course of a run as SVG, on a logarithmic scale. */
export function drawSigmaCurves(curves: readonly SigmaCurve[], title: string): string {
  const decades = decadesOf(curves.flatMap(({ levels }) => levels));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" width="${SIZE.width}" height="${SIZE.height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${PLOT.left}" y="28" font-size="15" font-weight="600">${title}</text>`,
    `<text x="${PLOT.left}" y="47" fill="#666">noise over image, before each call of the model; at the top edge, noise alone</text>`,
    ...decades.map((decade) => row(decade, decades)),
    ...[0, 0.25, 0.5, 0.75, 1].map(column),
    `<text x="${x(0.5)}" y="${SIZE.height - 10}" text-anchor="middle">share of the run</text>`,
    ...curves.flatMap((curve, i) => [line(curve, COLOURS[i % COLOURS.length]!, decades), label(curve, i)]),
    '</svg>',
  ].join('\n');
}

function line({ levels }: SigmaCurve, colour: string, decades: readonly number[]): string {
  const points = levels.map((level, i) => [x(i / levels.length), y(level, decades)] as const);
  const dots = points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2.4"/>`).join('');
  return `<g fill="${colour}" stroke="none"><polyline points="${points.map((point) => point.join()).join(' ')}" fill="none" stroke="${colour}" stroke-width="1.6"/>${dots}</g>`;
}

function label({ label: text }: SigmaCurve, i: number): string {
  const [left, top] = [SIZE.width - PLOT.right + 18, PLOT.top + 10 + i * 34];
  const [first, ...rest] = wrapped(text);
  const lines = [
    `<tspan x="${left + 22}">${first}</tspan>`,
    ...rest.map((more) => `<tspan x="${left + 22}" dy="14">${more}</tspan>`),
  ];
  return `<rect x="${left}" y="${top - 6}" width="14" height="4" fill="${COLOURS[i % COLOURS.length]}"/><text x="${left + 22}" y="${top}">${lines.join('')}</text>`;
}

/** Two lines at most: names that many schedulers share are many. */
function wrapped(text: string): string[] {
  if (text.length <= 46) return [text];
  const at = text.lastIndexOf(', ', 46);
  const rest = text.slice(at + 2);
  return [text.slice(0, at + 1), rest.length <= 46 ? rest : `${rest.slice(0, rest.lastIndexOf(', ', 42))}, …`];
}

function row(decade: number, decades: readonly number[]): string {
  const at = y(10 ** decade, decades);
  return `<line x1="${PLOT.left}" x2="${SIZE.width - PLOT.right}" y1="${at}" y2="${at}" stroke="#e4e4e4"/><text x="${PLOT.left - 8}" y="${at + 4}" text-anchor="end">${Number((10 ** decade).toPrecision(1))}</text>`;
}

function column(share: number): string {
  const bottom = SIZE.height - PLOT.bottom;
  return `<line x1="${x(share)}" x2="${x(share)}" y1="${PLOT.top}" y2="${bottom}" stroke="#f0f0f0"/><text x="${x(share)}" y="${bottom + 18}" text-anchor="middle">${share * 100} %</text>`;
}

/** The powers of ten around all levels. */
function decadesOf(levels: readonly number[]): number[] {
  const shown = levels.filter((level) => level > 0).map((level) => Math.min(level, MOST));
  const least = Math.floor(Math.log10(Math.min(1, ...shown)));
  const most = Math.ceil(Math.log10(Math.max(1, ...shown)));
  return Array.from({ length: Math.max(2, most - least + 1) }, (_, i) => least + i);
}

function x(share: number): number {
  return round(PLOT.left + share * (SIZE.width - PLOT.left - PLOT.right));
}

function y(level: number, decades: readonly number[]): number {
  const [least, most] = [decades[0]!, decades.at(-1)!];
  const share = (Math.log10(Math.min(Math.max(level, 10 ** least), MOST)) - least) / (most - least);
  return round(SIZE.height - PLOT.bottom - share * (SIZE.height - PLOT.top - PLOT.bottom));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
