import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BENCHMARKS = new URL('../docs/benchmarks.md', import.meta.url);

/** Puts a text between the marks `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` of a page, docs/benchmarks.md where none is named. */
export function mergeSection(name, text, url = BENCHMARKS) {
  const page = readFileSync(url, 'utf8');
  const [open, close] = [`<!-- bench:${name} -->\n`, `<!-- /bench:${name} -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${fileURLToPath(url)} has no section ${open.trim()} … ${close}`);
  writeFileSync(url, `${page.slice(0, start + open.length)}${text}\n${page.slice(end)}`);
}
