const WIDTH = 760;
const HEIGHT = 340;
const PLOT = { left: 62, top: 62, right: 14, bottom: 52 };
const MB = 2 ** 20;
/** Colours that a page may set, and what they are elsewhere. */
const INK = 'var(--chart-ink, #57606a)';
const GRID = 'var(--chart-grid, #e4e7eb)';
const PAPER = 'var(--chart-paper, #ffffff)';
const MAIN = 'var(--chart-main, #3f6fa3)';
const DEVICE = 'var(--chart-device, #e08a3c)';
const MAPPED = 'var(--chart-mapped, #d9dde2)';
const PLAIN = 'var(--chart-plain, #b42318)';
const SPANS = { text_encoder: 'text', unet: 'UNet', vae: 'VAE' };

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const round = (x) => Math.round(x * 10) / 10;
const anonymous = ({ main, device }) => main + device;
const text = (x, y, content, { size = 12, anchor = 'start', weight = 400, fill = INK } = {}) =>
  `<text x="${round(x)}" y="${y}" font-size="${size}" text-anchor="${anchor}" font-weight="${weight}" style="fill:${fill}">${escape(content)}</text>`;

/** Ticks at round numbers, about `count` of them. */
function ticks(most, count) {
  const power = 10 ** Math.floor(Math.log10(most / count));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size * count >= most * 0.999);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
}

/**
 * A run's memory over its time, as an SVG picture: what both processes hold, the files that are mapped above it, and as a line what they hold without the technique,
 * stretched to the same length.
 */
export function drawTimeline({ label, run, plain }) {
  const length = run.samples.at(-1).at;
  const highest =
    1.04 * Math.max(...run.samples.map((each) => anonymous(each) + each.mapped), ...plain.samples.map(anonymous));
  const x = (at) => PLOT.left + (at / length) * (WIDTH - PLOT.left - PLOT.right);
  const y = (bytes) => round(HEIGHT - PLOT.bottom - (bytes / highest) * (HEIGHT - PLOT.top - PLOT.bottom));
  const area = (lower, upper, fill) => {
    const edge = (bytes) => run.samples.map((each) => `${round(x(each.at))},${y(bytes(each))}`);
    return `<polygon points="${[...edge(upper), ...edge(lower).toReversed()].join(' ')}" style="fill:${fill}"/>`;
  };
  const most = (samples, bytes) => Math.round(Math.max(...samples.map(bytes)) / MB);
  const legend = [
    [MAIN, `main process, at most ${most(run.samples, ({ main }) => main)} MB`],
    [DEVICE, `device process, ${most(run.samples, ({ device }) => device)} MB`],
    [MAPPED, `mapped files, ${most(run.samples, ({ mapped }) => mapped)} MB`],
    [PLAIN, `both without it, ${most(plain.samples, anonymous)} MB`],
  ];
  const parts = [
    ...ticks(highest / MB, 5).map(
      (mb) =>
        `<line x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${y(mb * MB)}" y2="${y(mb * MB)}" style="stroke:${GRID}"/>${text(PLOT.left - 8, y(mb * MB) + 4, `${mb} MB`, { anchor: 'end', size: 11 })}`,
    ),
    area(anonymous, (each) => anonymous(each) + each.mapped, MAPPED),
    area(({ main }) => main, anonymous, DEVICE),
    area(
      () => 0,
      ({ main }) => main,
      MAIN,
    ),
    `<polyline points="${along(plain, run)
      .map(({ at, bytes }) => `${round(x(at))},${y(bytes)}`)
      .join(' ')}" style="fill:none;stroke:${PLAIN}" stroke-width="1.5" stroke-dasharray="5 3"/>`,
    ...bands(run.calls, x),
    ...ticks(length / 1000, 6)
      .filter((s) => s > 0)
      .map((s) => text(x(s * 1000), HEIGHT - 8, `${s} s`, { anchor: 'middle', size: 11 })),
  ];
  const entry = ([fill, words], i) => {
    const left = PLOT.left + (i % 2) * 260;
    const top = 34 + Math.floor(i / 2) * 17;
    return `<rect x="${left}" y="${top - 10}" width="11" height="11" style="fill:${fill}"/>${text(left + 17, top, words)}`;
  };
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" role="img">
<title>Memory over a run: ${escape(label)}</title>
<rect width="100%" height="100%" style="fill:${PAPER}"/>
${legend.map(entry).join('\n')}
${text(PLOT.left, 15, label, { size: 13, weight: 600, fill: 'var(--chart-title, #24292f)' })}
${parts.join('\n')}
</svg>
`;
}

/** Another run's memory, each part of it (text, UNet, VAE) as long as that part of this run. */
function along(other, run) {
  const [theirs, ours] = [boundaries(other), boundaries(run)];
  return other.samples.map((sample) => {
    const part = Math.max(
      0,
      Math.min(
        theirs.findLastIndex((from) => sample.at >= from),
        theirs.length - 2,
      ),
    );
    const share = (sample.at - theirs[part]) / Math.max(1, theirs[part + 1] - theirs[part]);
    return { at: ours[part] + Math.min(1, share) * (ours[part + 1] - ours[part]), bytes: anonymous(sample) };
  });
}

function boundaries({ samples, calls }) {
  const from = (name) => calls.find((call) => call.name === name).from;
  return [0, from('unet'), from('vae'), samples.at(-1).at];
}

/** Which component ran when, below the plot. */
function bands(calls, x) {
  const top = HEIGHT - PLOT.bottom + 5;
  const bars = calls.map(
    ({ from, to }) =>
      `<rect x="${round(x(from))}" y="${top}" width="${round(Math.max(1, x(to) - x(from) - 1))}" height="5" style="fill:${INK}"/>`,
  );
  const names = Object.entries(SPANS).flatMap(([name, words]) => {
    const spans = calls.filter((call) => call.name === name);
    const [from, to] = [x(spans[0]?.from ?? 0), x(spans.at(-1)?.to ?? 0)];
    return to - from > 7 * words.length ? [text((from + to) / 2, top + 18, words, { anchor: 'middle', size: 11 })] : [];
  });
  return [...bars, ...names];
}
