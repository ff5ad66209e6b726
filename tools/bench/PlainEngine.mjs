import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chunkedAttention, exportOnnx, openComponentCheckpoint, UNet2DConditionModel } from '../../packages/core/dist/index.js';
import { unetInputs } from './unetInputs.mjs';

/** Plain onnxruntime-node in a process of its own. */
export class PlainEngine {
  label = 'onnxruntime-node, defaults';
  #checkpoint;
  #batch;
  #child;

  constructor(checkpoint, batch) {
    this.#checkpoint = checkpoint;
    this.#batch = batch;
  }

  async load() {
    const opened = await openComponentCheckpoint(join(this.#checkpoint, 'unet'));
    const shapes = Object.fromEntries(Object.entries(unetInputs(this.#batch)).map(([name, { type, dims }]) => [name, { type, dims }]));
    const { bytes, folder } = exportOnnx(UNet2DConditionModel.fromConfig(opened.config), opened, 'call', shapes, { attention: chunkedAttention(Infinity) });
    const path = join(folder, '.thimble-bench.onnx');
    writeFileSync(path, bytes);
    this.#child = fork(new URL('plainWorker.mjs', import.meta.url), { serialization: 'advanced' });
    try {
      return await this.#ask({ load: path });
    } finally {
      rmSync(path);
    }
  }

  get pid() {
    return this.#child.pid;
  }

  async run() {
    const given = Object.entries(unetInputs(this.#batch)).map(([name, { type, data, dims }]) => [name, { type, data, dims }]);
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
