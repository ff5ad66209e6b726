import { DiffusionPipeline } from '../packages/core/dist/index.js';

/** A thimble pipeline with only the UNet. */
export class ThimbleEngine {
  label;
  #checkpoint;
  #inputs;
  #plugins;
  #pipe;

  constructor(label, checkpoint, inputs, plugins = []) {
    this.label = label;
    this.#checkpoint = checkpoint;
    this.#inputs = inputs;
    this.#plugins = plugins;
  }

  async load() {
    const started = performance.now();
    this.#pipe = await DiffusionPipeline.fromPretrained(this.#checkpoint, {
      components: ['unet'],
      plugins: this.#plugins,
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
