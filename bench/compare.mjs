// Two runs of `npm run bench -- all` side by side.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { markdownTable } from './statistics.mjs';

const MB = 2 ** 20;

function read(file) {
  const { machine, rows } = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(rows)) throw new Error(`${file} was not written by npm run bench -- all`);
  return { machine, rows: new Map(rows.map((row) => [`${row.what}, ${row.way}`, row])) };
}

/** `npm run bench -- compare A.json B.json`: seconds, how many times as fast as plain onnxruntime-node in the same run, and memory, of both; machines are as fast as they are, so the second is what to compare. */
export async function benchCompare(args) {
  const { positionals } = parseArgs({ args, options: {}, allowPositionals: true });
  if (positionals.length !== 2) throw new Error('npm run bench -- compare A.json B.json');
  const [before, after] = positionals.map(read);
  const both = (a, b, show) => [a, b].map((value) => (value === undefined ? '' : show(value)));
  const rows = [...new Set([...before.rows.keys(), ...after.rows.keys()])].map((name) => {
    const [a = {}, b = {}] = [before.rows.get(name), after.rows.get(name)];
    return [
      name,
      ...both(a.seconds, b.seconds, (seconds) => seconds.toFixed(2)),
      a.seconds === undefined || b.seconds === undefined ? '' : `×${(b.seconds / a.seconds).toFixed(2)}`,
      ...both(a.timesPlain, b.timesPlain, (times) => `×${times.toFixed(2)}`),
      ...both(a.anonymous, b.anonymous, (bytes) => `${Math.round(bytes / MB)} MB`),
    ];
  });
  console.log(`A: ${before.machine}\nB: ${after.machine}\n`);
  const head = ['A, s', 'B, s', 'B to A', 'A, as fast as plain', 'B', 'A, peak anonymous', 'B'];
  console.log(markdownTable(['', ...head], rows));
}
