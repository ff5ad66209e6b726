const WIDTH = 900;
const LEFT = 276;
const BAR = 15;
const ROW = 56;
const TOP = 78;
const TIME = '#2f6f9f';
const MEMORY = '#c9a25b';
const GB = 2 ** 30;

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const text = (x, y, content, { size = 13, anchor = 'start', weight = 400, color = '#24292f' } = {}) =>
  `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" font-weight="${weight}" fill="${color}">${escape(content)}</text>`;

/** Two bars for each row, seconds per step and memory, as an SVG picture. */
export function drawTable({ title, machine, rows }) {
  const height = TOP + rows.length * ROW + 34;
  const room = WIDTH - LEFT - 190;
  const slowest = Math.max(...rows.map(({ secondsPerStep }) => secondsPerStep));
  const largest = Math.max(...rows.map(({ anonymous }) => anonymous));
  const original = rows.find(({ id }) => id === 'original');
  const [head, detail = ''] = title.split('; ');
  const parts = rows.flatMap((row, i) => {
    const y = TOP + i * ROW;
    const [time, memory] = [
      Math.max(1, (room * row.secondsPerStep) / slowest),
      Math.max(1, (room * row.anonymous) / largest),
    ];
    const speed =
      original === undefined || row === original
        ? ''
        : ` (×${(original.secondsPerStep / row.secondsPerStep).toFixed(2)})`;
    return [
      text(LEFT - 12, y + 21, row.label, { anchor: 'end', weight: 600 }),
      `<rect x="${LEFT}" y="${y}" width="${time.toFixed(1)}" height="${BAR}" rx="2" fill="${TIME}"/>`,
      text(LEFT + time + 8, y + 12, `${row.secondsPerStep.toFixed(2)} s${speed}`, { size: 12 }),
      `<rect x="${LEFT}" y="${y + BAR + 3}" width="${memory.toFixed(1)}" height="${BAR}" rx="2" fill="${MEMORY}"/>`,
      text(LEFT + memory + 8, y + BAR + 15, `${(row.anonymous / GB).toFixed(2)} GB`, { size: 12 }),
    ];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
${text(20, 28, head, { size: 16, weight: 600 })}
${text(20, 48, detail, { size: 12, color: '#57606a' })}
<rect x="${WIDTH - 330}" y="39" width="11" height="11" fill="${TIME}"/>${text(WIDTH - 314, 49, 'seconds per step', { size: 12 })}
<rect x="${WIDTH - 190}" y="39" width="11" height="11" fill="${MEMORY}"/>${text(WIDTH - 174, 49, 'peak anonymous memory', { size: 12 })}
${parts.join('\n')}
${text(20, height - 14, machine, { size: 11, color: '#57606a' })}
</svg>
`;
}
