// node bench/transformerWorker.mjs CHECKPOINT SIDE MODE LIMIT PASSES STORED: passes of a checkpoint's transformer for a square picture; prints of each a line of JSON: milliseconds, and megabytes that both processes
// read from the disk meanwhile; and, first, what its multiplications take. LIMIT is "none", or a number: then it is meant to run under bench/limit.sh, and a submodule is in memory at a time.
// STORED is where the transformer's weights are: the checkpoint itself, another folder, or a GGUF file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiffusionPipeline, Tensor, TorchGenerator } from '../packages/core/dist/index.js';
import { nominalShapes } from '../packages/core/dist/model.js';
import { sizesOf } from '../packages/planner/dist/model/ModelCall.js';
import { operationsOf } from '../packages/planner/dist/model/operationsOf.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { GgufPlugin } from '../packages/plugin-gguf/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { SequentialOffloadPlugin } from '../packages/plugin-offload/dist/index.js';
import { readProcessMemory } from './memory.mjs';

const MB = 2 ** 20;
/** Pixels per latent, on each side. */
const SCALE = 8;
const [checkpoint, side, mode, limit, passes, stored] = process.argv.slice(2);
const isGguf = stored.endsWith('.gguf');

const pipe = await DiffusionPipeline.fromPretrained(stored, {
  ...(isGguf ? { config: join(checkpoint, 'transformer') } : { components: ['transformer'] }),
  ...(limit === 'none' ? { memoryLimit: 'none' } : {}),
  plugins: [
    new MemoryEfficientAttentionPlugin(),
    ...(isGguf ? [new GgufPlugin()] : []),
    ...(mode === 'int8' ? [new Int8ComputePlugin()] : []),
    ...(limit === 'none' ? [] : [new SequentialOffloadPlugin()]),
  ],
});
const { transformer } = pipe.components;
const entry = transformer.model.entries.call;
const latents = { height: side / SCALE, width: side / SCALE };
const shapes = nominalShapes(entry, sizesOf(entry, latents, { frames: 1 }));
const { linear, attention } = operationsOf(transformer.model.graph('call', shapes), 0);
console.log(JSON.stringify({ linear, attention }));

const generator = new TorchGenerator(0);
const inputs = Object.fromEntries(
  Object.entries(shapes).map(([name, { type, dims }]) => [
    name,
    type === 'float32' ? inputOf(dims) : positions(type, dims),
  ]),
);
for (let pass = 0; pass < Number(passes); pass++) {
  const before = readBytes();
  const started = performance.now();
  await transformer.call(inputs);
  const milliseconds = performance.now() - started;
  const main = readProcessMemory(process.pid).resident;
  console.log(JSON.stringify({ milliseconds, read: (readBytes() - before) / MB, main: main / MB }));
}
await pipe.dispose();

/** Timesteps and scales, of one axis, lie between 0 and 1. */
function inputOf(dims) {
  if (dims.length > 1) return generator.randn(dims);
  return new Tensor('float32', new Float32Array(dims[0] ?? 1).fill(0.5), dims);
}

/** Where tokens are is nothing that time depends on. */
function positions(type, dims) {
  const count = dims.reduce((a, b) => a * b, 1);
  return new Tensor(type, new BigInt64Array(count).fill(dims.length === 1 ? 500n : 0n), dims);
}

/** That both processes have read from the disk. */
function readBytes() {
  return [process.pid, pipe.device.pid]
    .filter((pid) => pid !== undefined)
    .reduce(
      (sum, pid) => sum + Number(/^read_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0),
      0,
    );
}
