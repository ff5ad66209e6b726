// A picture from a distilled model: SD 1.5 at full size with random weights, 512×512, one step without guidance, int8, a tiny VAE; and what encoding a picture takes.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { AutoencoderTiny, DiffusionPipeline, Tensor } from '../packages/core/dist/index.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { latentsLike } from './latentsLike.mjs';
import { describeMachine } from './machine.mjs';
import { watchMemory } from './memory.mjs';
import { sd15Checkpoint, taesdCheckpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';
import { unetInputs } from './unetInputs.mjs';

const MB = 2 ** 20;
const PROMPT = 'a photo of a red fox in the snow';
const STEP = { numInferenceSteps: 1, guidanceScale: 0, width: 512, height: 512 };

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(2);

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Rounds of all `tasks` in turn: the median milliseconds of each, by name. */
async function inTurn(tasks, { rounds, warmUp }) {
  const times = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  for (let round = 0; round < warmUp + rounds; round++)
    for (const [name, task] of Object.entries(tasks)) {
      const milliseconds = await task();
      if (round >= warmUp) times[name].push(milliseconds);
      process.stderr.write(`${name}: ${seconds(milliseconds)} s${round < warmUp ? ' (warm-up)' : ''}\n`);
      await sleep(100);
    }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
}

/** `generate` and its parts, in milliseconds; PNG is what `toBuffer` takes afterwards. */
async function picture(pipe, parts) {
  const { images, timings } = await pipe.generate(PROMPT, { ...STEP, seed: 1 });
  const png = await timed(() => images[0].toBuffer('png'));
  const [step] = timings.steps;
  for (const [name, value] of Object.entries({ text: timings.encodePrompt, step, decode: timings.decode, png }))
    (parts[name] ??= []).push(value);
  return timings.total + png;
}

async function measurePicture(vae, attention, counts) {
  const pipe = await DiffusionPipeline.fromPretrained(sd15Checkpoint('f16'), {
    variant: 'fp16',
    components: { vae },
    plugins: [...attention(), new Int8ComputePlugin()],
    memoryLimit: 'none',
  });
  pipe.scheduler = pipe.createScheduler('euler', { timestep_spacing: 'trailing' });
  const parts = {};
  const inputs = unetInputs(1);
  const times = await inTurn(
    { picture: () => picture(pipe, parts), pass: () => timed(() => pipe.unet.call(inputs)) },
    counts,
  );
  const of = (name) => median(parts[name].slice(counts.warmUp));
  const needed = of('text') + times.pass;
  const rows = [
    ['text', seconds(of('text')), ''],
    ['the step, UNet in int8', seconds(of('step')), ''],
    ['decoding, tiny VAE', seconds(of('decode')), ''],
    ['PNG', seconds(of('png')), ''],
    ['**all**', `**${seconds(times.picture)}**`, `×${(times.picture / needed).toFixed(2)}`],
    ['text + a pass of the UNet alone', seconds(needed), '×1.00'],
  ];
  await pipe.dispose();
  console.log(`${markdownTable(['', 's', ''], rows)}\n`);
}

async function measureDecoder(vae, attention, counts) {
  const pipe = await DiffusionPipeline.fromPretrained(sd15Checkpoint('f32'), {
    components: { vae },
    plugins: attention(),
    memoryLimit: 'none',
  });
  const [inputs, z] = [unetInputs(1), latentsLike([1, 4, 64, 64])];
  const times = await inTurn(
    {
      pass: () => timed(() => pipe.unet.call(inputs)),
      decode: () => timed(() => pipe.vae.decode({ z })),
    },
    counts,
  );
  const rows = [
    ['UNet, a pass', seconds(times.pass), '×1.00'],
    ['TAESD, decoding', seconds(times.decode), `×${(times.decode / times.pass).toFixed(2)}`],
  ];
  await pipe.dispose();
  console.log(`${markdownTable(['512×512, float32', 's', ''], rows)}\n`);
}

/** Pixels with the texture of a picture. */
function pixels(width, height) {
  const { data } = latentsLike([1, 3, height, width]);
  return new Tensor(
    'float32',
    data.map((value) => Math.tanh(value / 3)),
    [1, 3, height, width],
  );
}

async function measureEncoder(counts) {
  const x = pixels(512, 512);
  const rows = [];
  for (const [label, checkpoint, components] of [
    ['AutoencoderKL, f16 files', sd15Checkpoint('f16'), ['vae']],
    ['AutoencoderTiny, f32', taesdCheckpoint(), undefined],
  ]) {
    const pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
      ...(components === undefined ? {} : { components, variant: 'fp16' }),
      memoryLimit: 'none',
    });
    await pipe.vae.load();
    const watch = watchMemory(pipe.device.pid);
    const { encode } = await inTurn({ encode: () => timed(() => pipe.vae.encode({ x })) }, counts);
    watch.stop();
    await pipe.dispose();
    rows.push([label, seconds(encode), `${Math.round(watch.most.anonymous / MB)} MB`]);
  }
  console.log(`${markdownTable(['encoding 512×512', 's', 'peak anonymous'], rows)}\n`);
}

/** `npm run bench -- distilled [--rounds N] [--only picture,decoder,encoder]` */
export async function benchDistilled(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      only: { type: 'string', default: 'picture,decoder,encoder' },
    },
  });
  const counts = { rounds: Number(values.rounds), warmUp: Number(values['warm-up']) };
  const parts = values.only.split(',');
  const vae = await AutoencoderTiny.fromPretrained(taesdCheckpoint());
  const attention = () => [new MemoryEfficientAttentionPlugin()];
  console.log(
    `SD 1.5 at full size (random weights), 512×512, one step without guidance, process warm; medians of ${values.rounds}. ${describeMachine()}\n`,
  );
  if (parts.includes('picture')) await measurePicture(vae, attention, counts);
  if (parts.includes('decoder')) await measureDecoder(vae, attention, counts);
  if (parts.includes('encoder')) await measureEncoder(counts);
}
