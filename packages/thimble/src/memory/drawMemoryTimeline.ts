import type { ProcessMemory } from '@thimble/core/plugin';
import type { MemorySample, MemorySpan, MemoryTimeline } from './MemoryTimeline.js';

const MB = 2 ** 20;
const SIZE = { width: 960, height: 460 };
const PLOT = { left: 70, top: 64, right: 20, bottom: 92 };

/** Points on the time axis at most: more could not be told apart. */
const MOST_POINTS = 800;

/** From bottom to top. */
const LAYERS: readonly {
  readonly label: string;
  readonly colour: string;
  readonly bytes: (sample: MemorySample) => number;
}[] = [
  { label: 'main process', colour: '#4e79a7', bytes: ({ memory }) => memory.main.anonymousBytes },
  { label: 'device process', colour: '#f28e2b', bytes: ({ memory }) => memory.device?.anonymousBytes ?? 0 },
  {
    label: 'mapped files, which the system can take back',
    colour: '#d8d8d8',
    bytes: ({ memory }) => mapped(memory.main, memory.device),
  },
];

const COMPONENT_COLOURS = ['#59a14f', '#b07aa1', '#76b7b2', '#edc948', '#e15759'];

/** What can be drawn of a {@link MemoryTimeline}. */
export type DrawnTimeline = Pick<MemoryTimeline, 'samples' | 'calls' | 'steps' | 'limit'>;

/**
 * Draws a timeline of memory as SVG: stacked areas of what both processes hold, with components and steps below and the limit as a line. Memory
 * that both share, such as the program itself, is counted for each.
 */
export function drawMemoryTimeline({ samples, calls, steps, limit }: DrawnTimeline, title: string): string {
  const thinned = thin(samples);
  const scale = new Scale(thinned, limit);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE.width} ${SIZE.height}" width="${SIZE.width}" height="${SIZE.height}" font-family="system-ui, sans-serif" font-size="12" fill="#333">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="${PLOT.left}" y="24" font-size="15" font-weight="600">${escape(title)}</text>`,
    legend(thinned),
    scale.axes(),
    ...areas(thinned, scale),
    limit === undefined ? '' : limitLine(limit, scale),
    ...bands(calls, steps, scale),
    '</svg>',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

class Scale {
  readonly #milliseconds: number;
  readonly #bytes: number;

  constructor(samples: readonly MemorySample[], limit: number | undefined) {
    this.#milliseconds = Math.max(1, samples.at(-1)?.at ?? 1);
    this.#bytes = Math.max(MB, ...samples.map((sample) => total(sample))) * 1.05;
    // A limit far above everything would flatten the picture.
    if (limit !== undefined && limit < 2 * this.#bytes) this.#bytes = Math.max(this.#bytes, limit * 1.05);
  }

  x(milliseconds: number): number {
    return round(
      PLOT.left +
        (Math.min(milliseconds, this.#milliseconds) / this.#milliseconds) * (SIZE.width - PLOT.left - PLOT.right),
    );
  }

  y(bytes: number): number {
    return round(SIZE.height - PLOT.bottom - (bytes / this.#bytes) * (SIZE.height - PLOT.top - PLOT.bottom));
  }

  holds(bytes: number): boolean {
    return bytes <= this.#bytes;
  }

  axes(): string {
    const [right, bottom] = [SIZE.width - PLOT.right, SIZE.height - PLOT.bottom];
    const rows = ticks(this.#bytes / MB).map(
      (mb) =>
        `<line x1="${PLOT.left}" x2="${right}" y1="${this.y(mb * MB)}" y2="${this.y(mb * MB)}" stroke="#e8e8e8"/><text x="${PLOT.left - 8}" y="${this.y(mb * MB) + 4}" text-anchor="end">${mb} MB</text>`,
    );
    const columns = ticks(this.#milliseconds / 1000).map(
      (s) =>
        `<text x="${this.x(s * 1000)}" y="${SIZE.height - 12}" text-anchor="middle">${s} s</text><line x1="${this.x(s * 1000)}" x2="${this.x(s * 1000)}" y1="${bottom}" y2="${SIZE.height - 26}" stroke="#e8e8e8"/>`,
    );
    return [...rows, ...columns].join('\n');
  }
}

function areas(samples: readonly MemorySample[], scale: Scale): string[] {
  const base = samples.map(() => 0);
  return LAYERS.map(({ colour, bytes }) => {
    const lower = samples.map(({ at }, i) => `${scale.x(at)},${scale.y(base[i] as number)}`);
    for (const [i, sample] of samples.entries()) base[i] = (base[i] as number) + bytes(sample);
    const upper = samples.map(({ at }, i) => `${scale.x(at)},${scale.y(base[i] as number)}`);
    return `<polygon points="${[...upper, ...lower.toReversed()].join(' ')}" fill="${colour}"/>`;
  });
}

function legend(samples: readonly MemorySample[]): string {
  let x = PLOT.left;
  return LAYERS.map(({ label, colour, bytes }) => {
    const text = `${label}, at most ${Math.round(Math.max(0, ...samples.map(bytes)) / MB)} MB`;
    const part = `<rect x="${x}" y="37" width="11" height="11" fill="${colour}"/><text x="${x + 16}" y="47">${text}</text>`;
    x += 40 + text.length * 6.1;
    return part;
  }).join('\n');
}

function limitLine(limit: number, scale: Scale): string {
  if (!scale.holds(limit)) return '';
  return `<line x1="${PLOT.left}" x2="${SIZE.width - PLOT.right}" y1="${scale.y(limit)}" y2="${scale.y(limit)}" stroke="#c00" stroke-dasharray="6 4"/><text x="${SIZE.width - PLOT.right}" y="${scale.y(limit) - 5}" text-anchor="end" fill="#c00">limit ${Math.round(limit / MB)} MB</text>`;
}

/** Which component ran when, and below it the steps. */
function bands(calls: readonly MemorySpan[], steps: readonly MemorySpan[], scale: Scale): string[] {
  const names = [...new Set(calls.map(({ name }) => name))];
  const top = SIZE.height - PLOT.bottom + 8;
  return [
    ...calls.map((call) =>
      bar(call, scale, top, COMPONENT_COLOURS[names.indexOf(call.name) % COMPONENT_COLOURS.length] as string),
    ),
    ...names.map((name) =>
      label(
        name,
        calls.filter((call) => call.name === name),
        scale,
        top,
      ),
    ),
    ...steps.map((step, i) => bar(step, scale, top + 26, i % 2 === 0 ? '#bbb' : '#999')),
    ...steps
      .filter((_, i) => i % Math.ceil(steps.length / 12) === 0)
      .map((step) => label(steps.length > 12 ? step.name : `step ${step.name}`, [step], scale, top + 26)),
  ];
}

function bar({ from, to }: MemorySpan, scale: Scale, top: number, colour: string): string {
  return `<rect x="${scale.x(from)}" y="${top}" width="${round(Math.max(1, scale.x(to) - scale.x(from)))}" height="18" fill="${colour}"/>`;
}

function label(text: string, spans: readonly MemorySpan[], scale: Scale, top: number): string {
  const [from, to] = [scale.x(spans[0]?.from ?? 0), scale.x(spans.at(-1)?.to ?? 0)];
  const fits = to - from > text.length * 6.5;
  const x = Math.min(fits ? (from + to) / 2 : from + 2, SIZE.width - PLOT.right - (fits ? 0 : text.length * 6.5));
  return `<text x="${round(x)}" y="${top + 13}" text-anchor="${fits ? 'middle' : 'start'}" font-size="11" fill="#111">${escape(text)}</text>`;
}

/** The highest of every few samples, so that no peak is lost. */
function thin(samples: readonly MemorySample[]): readonly MemorySample[] {
  const size = Math.ceil(samples.length / MOST_POINTS);
  if (size <= 1) return samples;
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, i) =>
    samples.slice(i * size, (i + 1) * size).reduce((a, b) => (total(b) > total(a) ? b : a)),
  );
}

function total(sample: MemorySample): number {
  return LAYERS.reduce((sum, { bytes }) => sum + bytes(sample), 0);
}

function mapped(main: ProcessMemory, device: ProcessMemory | undefined): number {
  return main.fileBytes + (device?.fileBytes ?? 0);
}

function ticks(most: number): number[] {
  const step = niceStep(most / 6);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The next larger of 1, 2 and 5 times a power of ten. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((step) => step * power >= least * 0.999) ?? 10;
  return factor * power;
}
