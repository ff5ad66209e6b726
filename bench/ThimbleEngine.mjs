import { DiffusionPipeline } from '../packages/core/dist/index.js';

/** A thimble pipeline with only the UNet. */
export class ThimbleEngine {
  label;
  #checkpoint;
  #inputs;
  #plugins;
  #options;
  #pipe;

  /** `options`: others of `fromPretrained`. */
  constructor(label, checkpoint, inputs, plugins = [], options = {}) {
    this.label = label;
    this.#checkpoint = checkpoint;
    this.#inputs = inputs;
    this.#plugins = plugins;
    this.#options = options;
  }

  async load() {
    const started = performance.now();
    this.#pipe = await DiffusionPipeline.fromPretrained(this.#checkpoint, {
      components: ['unet'],
      plugins: this.#plugins,
      ...this.#options,
    });
    await this.#pipe.components.unet.load();
    return performance.now() - started;
  }

  get pid() {
    return this.#pipe.device.pid;
  }

  async run() {
    const started = performance.now();
    await this.#pipe.components.unet.call(this.#inputs);
    return performance.now() - started;
  }

  async dispose() {
    await this.#pipe.dispose();
  }
}
