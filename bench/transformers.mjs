// Z-Image-Turbo at full size with random weights: a pass of its transformer against the arithmetic alone, and whole runs under hard memory limits.
import { parseArgs } from 'node:util';
import { DiffusionPipeline, Tensor, TorchGenerator, ZImageTransformer2DModel } from '../packages/core/dist/index.js';
import { openComponentCheckpoint } from '../packages/core/dist/model.js';
import { operationsOf } from '../packages/planner/dist/model/operationsOf.js';
import { measureArithmetic } from '../packages/planner/dist/time/measureArithmetic.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { limitedGenerate } from './limitedGenerate.mjs';
import { describeMachine } from './machine.mjs';
import { readProcessMemory, watchMemory } from './memory.mjs';
import { markdownTable, median } from './statistics.mjs';

const MB = 2 ** 20;
const CAPTION_TOKENS = 32;
/** By which the runtime's rates are measured. */
const PRODUCT = { rows: 4096, inner: 3840, columns: 10_240, rounds: 5 };
const MODES = {
  float32: () => [new MemoryEfficientAttentionPlugin()],
  int8: () => [new MemoryEfficientAttentionPlugin(), new Int8ComputePlugin()],
};

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(1);

/** Inputs of the transformer for a square picture. */
function inputsOf(side) {
  const generator = new TorchGenerator(0);
  return {
    x: generator.randn([1, 16, 1, side / 8, side / 8]),
    t: new Tensor('float32', Float32Array.of(0.5), [1]),
    'cap_feats.0': generator.randn([CAPTION_TOKENS, 2560]),
  };
}

/** Seconds that the multiplications of a pass take at these rates; attention's products count as float32's. */
async function leastSeconds(checkpoint, inputs, rates) {
  const opened = await openComponentCheckpoint(`${checkpoint}/transformer`);
  const shapes = Object.fromEntries(Object.entries(inputs).map(([name, { type, dims }]) => [name, { type, dims }]));
  const graph = ZImageTransformer2DModel.fromConfig(opened.config).graph('call', shapes);
  const { linear, attention } = operationsOf(graph, 0);
  return Object.fromEntries(
    Object.entries(rates).map(([type, rate]) => [type, linear / rate + attention / rates.float32]),
  );
}

async function passes(checkpoint, sides, modes, rounds) {
  const rows = [];
  let rates;
  for (const mode of modes) {
    const pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
      components: ['transformer'],
      memoryLimit: 'none',
      plugins: MODES[mode](),
    });
    try {
      const { transformer } = pipe.components;
      rates ??= await measureArithmetic(transformer.device, PRODUCT);
      for (const side of sides) {
        const inputs = inputsOf(side);
        const least = (await leastSeconds(checkpoint, inputs, rates))[mode];
        const watch = watchMemory(pipe.device.pid);
        const times = [];
        for (let round = 0; round <= rounds; round++) {
          const started = performance.now();
          await transformer.call(inputs);
          times.push(performance.now() - started);
          process.stderr.write(
            `${side}² ${mode}: ${seconds(times.at(-1))} s; multiplications alone ${least.toFixed(1)} s\n`,
          );
        }
        watch.stop();
        const time = median(times.slice(1)) / 1000;
        const main = readProcessMemory(process.pid).resident;
        rows.push([
          `${side}×${side}, ${mode}`,
          time.toFixed(1),
          least.toFixed(1),
          `×${(time / least).toFixed(2)}`,
          `${Math.round(watch.most.anonymous / MB)} MB`,
          `${Math.round(main / MB)} MB`,
        ]);
      }
    } finally {
      await pipe.dispose();
    }
  }
  console.log(
    `Rates here: float32 ${(rates.float32 / 1e9).toFixed(1)}, int8 ${(rates.int8 / 1e9).toFixed(1)} thousand million multiplications with an addition a second.\n`,
  );
  console.log(
    `${markdownTable(['a pass', 's', 'its multiplications alone, s', '', 'peak anonymous, device', 'main process'], rows)}\n`,
  );
}

async function limited(checkpoint, sizes, limits) {
  const rows = [];
  for (const size of sizes) {
    for (const limit of limits) {
      const run = await limitedGenerate(checkpoint, limit, {
        component: 'transformer',
        variant: undefined,
        scheduler: undefined,
        size,
        steps: 1,
        guided: false,
      });
      const what = `${size}, ${limit} MB`;
      process.stderr.write(
        `${what}: ${run.ok ? `${seconds(run.pass)} s a pass, ${run.peakAnonymous} MB` : 'not enough'}\n`,
      );
      rows.push([
        what,
        ...(run.ok
          ? [seconds(run.pass), seconds(run.decode), `${run.peakAnonymous} MB`, `${(run.read / 1024).toFixed(1)} GB`]
          : ['does not complete', '', '', '']),
      ]);
    }
  }
  console.log(
    'The whole command line (text, one step without guidance, VAE), cold disk, both processes and the page cache within the limit:\n',
  );
  console.log(
    markdownTable(['hard limit', 's for the step', 's for the VAE', 'peak anonymous', 'read from disk, all'], rows),
  );
}

/** `npm run bench -- transformers --checkpoint DIR [--sides 512,1024] [--modes float32,int8] [--rounds N] [--sizes 512x512] [--limits MB,MB] [--only passes,limits]` */
export async function benchTransformers(args) {
  const { values } = parseArgs({
    args,
    options: {
      checkpoint: { type: 'string' },
      sides: { type: 'string', default: '512,1024' },
      modes: { type: 'string', default: 'float32,int8' },
      rounds: { type: 'string', default: '1' },
      sizes: { type: 'string', default: '1024x1024' },
      limits: { type: 'string', default: '4096,2048,1024,640' },
      only: { type: 'string', default: 'passes,limits' },
    },
  });
  if (values.checkpoint === undefined) {
    console.error('npm run bench -- transformers --checkpoint DIR: a full-size Z-Image-Turbo checkpoint in bf16');
    process.exitCode = 2;
    return;
  }
  console.log(`Z-Image-Turbo, bf16 files, random weights. ${describeMachine()}\n`);
  const only = values.only.split(',');
  const list = (text) => text.split(',');
  if (only.includes('passes'))
    await passes(values.checkpoint, list(values.sides).map(Number), list(values.modes), Number(values.rounds));
  if (only.includes('limits')) await limited(values.checkpoint, list(values.sizes), list(values.limits).map(Number));
}
