import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Runs that were made, kept in a file, so that a benchmark of hours can be made in parts. */
export class PlannerRuns {
  #file;
  #kept = { runs: {}, rows: {} };
  #again;
  #begun = new Set();

  /** `again`: runs that were kept are made anew, once each in this process. */
  constructor(file, { again }) {
    this.#file = file;
    this.#again = again;
    if (existsSync(file)) this.#kept = JSON.parse(readFileSync(file, 'utf8'));
  }

  /** The runs of a case, of which as many are made as are missing. */
  async upTo(count, key, run) {
    if (this.#again && !this.#begun.has(key)) this.#kept.runs[key] = [];
    this.#begun.add(key);
    const runs = (this.#kept.runs[key] ??= []);
    while (runs.length < count) {
      runs.push(await run());
      process.stderr.write(`${key}: ${JSON.stringify(runs.at(-1))}\n`);
      this.#write();
    }
    return runs;
  }

  keepRow(key, row) {
    this.#kept.rows[key] = row;
    this.#write();
  }

  /** In the order in which they first came. */
  get rows() {
    return Object.values(this.#kept.rows);
  }

  #write() {
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(this.#kept, undefined, 2)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}
