import { KeptFigures } from './KeptFigures.mjs';

/** Runs that were made, and the rows of the table that they give; both are kept. */
export class PlannerRuns {
  #kept;
  #again;
  #begun = new Set();

  /** `again`: runs that were kept are made anew, once each in this process. */
  constructor(file, { again }) {
    this.#kept = new KeptFigures(file);
    this.#again = again;
  }

  /** The runs of a case, of which as many are made as are missing. */
  async upTo(count, key, run) {
    const kept = this.#kept.of('runs') ?? {};
    const runs = this.#again && !this.#begun.has(key) ? [] : (kept[key] ?? []);
    this.#begun.add(key);
    while (runs.length < count) {
      runs.push(await run());
      process.stderr.write(`${key}: ${JSON.stringify(runs.at(-1))}\n`);
      this.#kept.keep('runs', { ...kept, [key]: runs });
    }
    return runs;
  }

  keepRow(key, row) {
    this.#kept.keep('rows', { ...this.#kept.of('rows'), [key]: row });
  }

  /** In the order in which they first came. */
  get rows() {
    return Object.values(this.#kept.of('rows') ?? {});
  }
}
