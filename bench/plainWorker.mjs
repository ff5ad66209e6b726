// A child process with plain onnxruntime-node at its defaults: loads an ONNX file and runs it when told to.
import { createRequire } from 'node:module';
import { readProcessMemory } from './memory.mjs';

const core = createRequire(new URL('../packages/core/package.json', import.meta.url));
const ort = core('onnxruntime-node');
let session;

process.on('message', (what) => void answer(what));

async function answer({ load, run }) {
  const started = performance.now();
  if (load !== undefined) session = await ort.InferenceSession.create(load);
  if (run !== undefined) {
    const feeds = Object.fromEntries(
      Object.entries(run).map(([name, { type, data, dims }]) => [name, new ort.Tensor(type, data, dims)]),
    );
    await session.run(feeds);
  }
  process.send({ milliseconds: performance.now() - started, memory: readProcessMemory(process.pid) });
}
