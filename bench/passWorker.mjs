// node bench/passWorker.mjs CHECKPOINT MODE PASSES: runs SD 1.5's UNet (512×512, batch 1) with one way of offloading, or in plain
// onnxruntime-node, and prints the milliseconds of each pass as a line of JSON. Meant to run under bench/limit.sh.
import { createRequire } from 'node:module';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '../packages/plugin-offload/dist/index.js';
import { exportPlain } from './exportPlain.mjs';
import { unetInputs } from './unetInputs.mjs';

const PLUGINS = { none: [], model: [new ModelOffloadPlugin()], sequential: [new SequentialOffloadPlugin()] };
const [checkpoint, mode, passes] = process.argv.slice(2);
const run = mode === 'plain' ? await openPlain() : await openThimble();
for (let pass = 0; pass < Number(passes); pass++) {
  const started = performance.now();
  await run.call();
  console.log(JSON.stringify({ milliseconds: performance.now() - started }));
}
await run.close();

async function openThimble() {
  const pipe = await DiffusionPipeline.fromPretrained(checkpoint, { components: ['unet'], plugins: PLUGINS[mode] });
  return { call: () => pipe.components.unet.call(unetInputs(1)), close: () => pipe.dispose() };
}

/** The same graph exported whole, with unfused attention, at the runtime's defaults. */
async function openPlain() {
  const core = createRequire(new URL('../packages/core/package.json', import.meta.url));
  const ort = core('onnxruntime-node');
  const inputs = unetInputs(1);
  const { path, remove } = await exportPlain(checkpoint, 'unet', 'call', inputs);
  try {
    const session = await ort.InferenceSession.create(path);
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]),
    );
    return { call: () => session.run(feeds), close: () => session.release() };
  } finally {
    remove();
  }
}
