import { DiffusionPipeline } from '../packages/core/dist/index.js';

/** One component in a thimble pipeline of its own. */
export class ThimbleEngine {
  label;
  /** What it gave last. */
  sample;
  #checkpoint;
  #task;
  #plugins;
  #options;
  #pipe;

  /** `task`: { component, entry, inputs }; `options`: others of `fromPretrained`. */
  constructor(label, checkpoint, task, plugins = [], options = {}) {
    this.label = label;
    this.#checkpoint = checkpoint;
    this.#task = task;
    this.#plugins = plugins;
    this.#options = options;
  }

  async load() {
    const { component } = this.#task;
    const started = performance.now();
    this.#pipe = await DiffusionPipeline.fromPretrained(this.#checkpoint, {
      components: [component],
      plugins: this.#plugins,
      ...this.#options,
    });
    await this.#pipe.components[component].load();
    return performance.now() - started;
  }

  get pid() {
    return this.#pipe.device.pid;
  }

  async run() {
    const { component, entry, inputs } = this.#task;
    const started = performance.now();
    const { sample } = await this.#pipe.components[component].invoke(entry, inputs);
    this.sample = sample.data;
    return performance.now() - started;
  }

  async dispose() {
    await this.#pipe.dispose();
  }
}
