import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What was measured, by name, in a file, so that a benchmark of hours can be made in parts. Whatever ends the process, the file is whole. */
export class KeptFigures {
  #file;
  #figures;

  /** `again`: what the file has is forgotten. */
  constructor(file, { again = false } = {}) {
    this.#file = file;
    this.#figures = !again && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  }

  of(name) {
    return this.#figures[name];
  }

  keep(name, figures) {
    this.#figures[name] = figures;
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(this.#figures, undefined, 2)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }
}
