// SD 1.5's or SDXL's UNet at full size with random weights: thimble beside plain onnxruntime-node at its defaults on the same graph exported whole.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { compareEngines } from './compareEngines.mjs';
import { describeMachine } from './machine.mjs';
import { watchMemory } from './memory.mjs';
import { PlainEngine } from './PlainEngine.mjs';
import { sd15Checkpoint, sdxlUnetCheckpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';
import { ThimbleEngine } from './ThimbleEngine.mjs';
import { sdxlUnetInputs, unetInputs } from './unetInputs.mjs';

const MB = 2 ** 20;

/** A call of the UNet. */
const taskOf = (inputs) => ({ component: 'unet', entry: 'call', inputs });

/** SDXL's UNet at 1024×1024: float32 weights of two engines do not fit this memory together, so that they take turns, each twice. */
async function compareInTurns(engines, passes) {
  const rows = new Map(engines.map(([label]) => [label, { label, load: [], passes: [], anonymous: [] }]));
  for (let turn = 0; turn < 2; turn++) {
    for (const [label, make] of engines) {
      const engine = make();
      const row = rows.get(label);
      row.load.push(await engine.load());
      const watch = watchMemory(engine.pid);
      for (let pass = 0; pass < passes; pass++) {
        row.passes.push(await engine.run());
        process.stderr.write(`${label}: ${(row.passes.at(-1) / 1000).toFixed(1)} s\n`);
      }
      watch.stop();
      row.anonymous.push(watch.most.anonymous);
      await engine.dispose();
      await sleep(2000);
    }
  }
  return [...rows.values()];
}

/** `passes` of every engine in a turn, two turns each; the median counts all of them. */
async function benchSdxlUnet(checkpoint, passes) {
  const task = taskOf(sdxlUnetInputs());
  const rows = await compareInTurns(
    [
      ['onnxruntime-node, defaults', () => new PlainEngine(checkpoint, 1, task)],
      [
        'thimble, fused attention',
        () => new ThimbleEngine('', checkpoint, task, [new MemoryEfficientAttentionPlugin()]),
      ],
    ],
    passes,
  );
  const base = median(rows[0].passes);
  console.log(
    `SDXL UNet, 1024×1024, batch 1, f32 files; medians of two turns of ${passes} passes. ${describeMachine()}\n`,
  );
  console.log(
    markdownTable(
      ['', 'load', 's per pass', 'fastest and slowest', 'peak anonymous'],
      rows.map(({ label, load, passes: times, anonymous }) => [
        label,
        `${(median(load) / 1000).toFixed(1)} s`,
        `${(median(times) / 1000).toFixed(1)} (×${(median(times) / base).toFixed(2)})`,
        `${(Math.min(...times) / 1000).toFixed(1)} … ${(Math.max(...times) / 1000).toFixed(1)}`,
        `${Math.round(Math.max(...anonymous) / MB)} MB`,
      ]),
    ),
  );
}

/** Ways of computing convolutions, and with int8. */
function ways(checkpoint, task) {
  const engine = (label, plugin, options) => () =>
    new ThimbleEngine(`thimble, ${label}`, checkpoint, task, [plugin()], options);
  const fused = () => new MemoryEfficientAttentionPlugin();
  const int8 = () => new Int8ComputePlugin();
  return {
    exact: engine("fused attention, `convolution: 'exact'`", fused, { convolution: 'exact' }),
    direct: engine("fused attention, `convolution: 'direct'`", fused, { convolution: 'direct' }),
    int8: engine('int8', int8, {}),
    'int8-direct': engine("int8, `convolution: 'direct'`", int8, { convolution: 'direct' }),
  };
}

/** `npm run bench -- unet [--model sd15|sdxl] [--checkpoint DIR] [--batch N] [--rounds N] [--passes N] [--only plain,chunked,fused,exact,direct,int8,int8-direct]`; `--passes` is for SDXL's turns */
export async function benchUnet(args) {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string', default: 'sd15' },
      checkpoint: { type: 'string' },
      passes: { type: 'string', default: '3' },
      batch: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      only: { type: 'string', default: 'plain,chunked,fused,direct' },
    },
  });
  if (values.model === 'sdxl') {
    return benchSdxlUnet(await sdxlUnetCheckpoint(values.checkpoint), Number(values.passes));
  }
  const checkpoint = sd15Checkpoint('f32', values.checkpoint);
  const batch = Number(values.batch);
  const task = taskOf(unetInputs(batch));
  const engines = {
    plain: () => new PlainEngine(checkpoint, batch, task),
    chunked: () => new ThimbleEngine('thimble, plain attention in chunks', checkpoint, task),
    fused: () =>
      new ThimbleEngine('thimble, fused attention', checkpoint, task, [new MemoryEfficientAttentionPlugin()]),
    ...ways(checkpoint, task),
  };
  const rows = await compareEngines(
    values.only.split(',').map((name) => engines[name]()),
    { rounds: Number(values.rounds), warmUp: Number(values['warm-up']) },
  );
  const [base] = rows;
  const ratio = (value, reference) =>
    reference === 0
      ? ''
      : ` (×${value / reference < 0.1 ? (value / reference).toPrecision(2) : (value / reference).toFixed(2)})`;
  console.log(
    `SD 1.5 UNet, 512×512, batch ${batch}, f32 files; medians of ${values.rounds} interleaved passes. ${describeMachine()}\n`,
  );
  console.log(
    markdownTable(
      ['', 'load', 's per pass', 'peak anonymous', 'peak resident'],
      rows.map(({ engine, load, passes, most }) => [
        engine.label,
        `${(load / 1000).toFixed(2)} s${ratio(load, base.load)}`,
        `${(median(passes) / 1000).toFixed(2)}${ratio(median(passes), median(base.passes))}`,
        `${Math.round(most.anonymous / MB)} MB${ratio(most.anonymous, base.most.anonymous)}`,
        `${Math.round(most.peak / MB)} MB${ratio(most.peak, base.most.peak)}`,
      ]),
    ),
  );
}
