import { fork } from 'node:child_process';
import { once } from 'node:events';
import { exportPlain } from './exportPlain.mjs';
import { unetInputs } from './unetInputs.mjs';

/** Plain onnxruntime-node in a process of its own; by default with SD 1.5's UNet. */
export class PlainEngine {
  label = 'onnxruntime-node, defaults';
  #checkpoint;
  #task;
  #child;

  constructor(checkpoint, batch, task = { component: 'unet', entry: 'call', inputs: unetInputs(batch) }) {
    this.#checkpoint = checkpoint;
    this.#task = task;
  }

  async load() {
    const { component, entry, inputs } = this.#task;
    const { path, remove } = await exportPlain(this.#checkpoint, component, entry, inputs);
    this.#child = fork(new URL('plainWorker.mjs', import.meta.url), { serialization: 'advanced' });
    try {
      return await this.#ask({ load: path });
    } finally {
      remove();
    }
  }

  get pid() {
    return this.#child.pid;
  }

  async run() {
    const given = Object.entries(this.#task.inputs).map(([name, { type, data, dims }]) => [name, { type, data, dims }]);
    return this.#ask({ run: Object.fromEntries(given) });
  }

  async dispose() {
    this.#child.kill();
    await once(this.#child, 'exit');
  }

  async #ask(message) {
    const answer = once(this.#child, 'message');
    this.#child.send(message);
    return (await answer)[0].milliseconds;
  }
}
