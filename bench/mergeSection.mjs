import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url));

/** Puts a text between the marks `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` of docs/benchmarks.md. */
export function mergeSection(name, text) {
  const page = readFileSync(PAGE, 'utf8');
  const [open, close] = [`<!-- bench:${name} -->\n`, `<!-- /bench:${name} -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`${PAGE} has no section ${open.trim()} … ${close}`);
  writeFileSync(PAGE, `${page.slice(0, start + open.length)}${text}\n${page.slice(end)}`);
}
