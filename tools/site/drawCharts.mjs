/** A comment that names columns, and the table below it. */
const CHARTED = /^<!-- chart: (.+?) -->\n((?:\|.*\n)+)/gm;

/**
 * Bars beside the tables that ask for them: `<!-- chart: s per pass, peak anonymous -->` before a table draws those columns. The numbers are the table's own.
 *
 * @param {string} page Markdown
 */
export function drawCharts(page) {
  return page.replaceAll(CHARTED, (_, names, table) => {
    const [head, , ...rows] = table.trim().split('\n').map(cellsOf);
    const charts = names.split(', ').map((name) => chartOf(name, head.indexOf(name), rows));
    return `${table}\n<div class="charts" v-pre>${charts.join('')}</div>\n`;
  });
}

const cellsOf = (line) =>
  line
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim().replaceAll(/[*`]/g, ''));

function chartOf(name, column, rows) {
  if (column < 0) throw new Error(`no table has the column "${name}" that a chart is to show`);
  const bars = rows
    .map((cells) => ({ label: cells[0], said: cells[column] ?? '', value: numberOf(cells[column]) }))
    .filter(({ value }) => value !== undefined);
  const most = Math.max(...bars.map(({ value }) => value));
  return `<figure class="chart"><figcaption>${escape(name)}</figcaption>${bars.map((bar) => barOf(bar, most)).join('')}</figure>`;
}

function barOf({ label, said, value }, most) {
  const width = Math.max(0.5, (100 * value) / most).toFixed(1);
  return `<div class="bar"><span class="label">${escape(label)}</span><span class="value">${escape(said)}</span><span class="track"><span style="width:${width}%"></span></span></div>`;
}

/** The first number of a cell; GB count as 1024 MB. */
function numberOf(cell = '') {
  const [, digits, unit] = /(\d[\d,]*(?:\.\d+)?)(?: (GB))?/.exec(cell) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits.replaceAll(',', '')) * (unit === 'GB' ? 1024 : 1);
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
