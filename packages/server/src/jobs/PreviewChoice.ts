import type { JobRequest } from './Job.js';

/** Milliseconds between two live previews, at least. */
const INTERVAL = 500;

/** Says which steps of a run are shown. The last one is not: the picture comes next. */
export class PreviewChoice {
  readonly #wanted: JobRequest['previews'];
  #last = -Infinity;
  #shown = 0;

  constructor(wanted: JobRequest['previews']) {
    this.#wanted = wanted;
  }

  /** Whether the step of this index, of so many, is shown; asked once of each. */
  takes(index: number, steps: number): boolean {
    const wanted = this.#wanted;
    if (wanted === undefined || index + 1 >= steps) return false;
    const due =
      wanted === 'live' ? performance.now() - this.#last >= INTERVAL : index + 1 >= this.#dueAt(wanted, steps);
    if (!due) return false;
    this.#last = performance.now();
    this.#shown += 1;
    return true;
  }

  /** The step after which the next one of `count` is shown; they are spread evenly. */
  #dueAt(count: number, steps: number): number {
    return this.#shown >= count ? Infinity : Math.max(1, Math.floor(((this.#shown + 1) * steps) / (count + 1)));
  }
}
