// A ControlNet at full size with random weights beside SD 1.5's UNet, 512×512: what a pass of both takes, and a whole picture under a hard memory limit.
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DiffusionPipeline, Image } from '../packages/core/dist/index.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { ControlNetPlugin } from '../packages/plugin-controlnet/dist/index.js';
import { latentsLike } from './latentsLike.mjs';
import { limitedGenerate } from './limitedGenerate.mjs';
import { describeMachine } from './machine.mjs';
import { controlNetCheckpoint, sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';
import { unetInputs } from './unetInputs.mjs';

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(2);

/** What a ControlNet looks at: pixels with the texture of a picture. */
function controlImage() {
  const { data } = latentsLike([1, 3, 512, 512]);
  const plane = 512 * 512;
  const bytes = Uint8Array.from(
    { length: 3 * plane },
    (_, i) => 128 + 60 * Math.tanh(data[(i % 3) * plane + Math.floor(i / 3)]),
  );
  return new Image({ width: 512, height: 512, data: bytes });
}

/** One pass of the UNet alone and with a ControlNet, in turn: medians. */
async function passes(dtype, { rounds, warmUp }) {
  const pipe = await DiffusionPipeline.fromPretrained(sd15Checkpoint(dtype), {
    components: ['unet'],
    ...(dtype === 'f16' ? { variant: 'fp16' } : {}),
    plugins: [
      new MemoryEfficientAttentionPlugin(),
      new ControlNetPlugin({ model: controlNetCheckpoint(dtype), image: controlImage() }),
    ],
    memoryLimit: 'none',
  });
  const [inputs, image] = [unetInputs(1), controlImage()];
  const pixels = Float32Array.from({ length: 3 * 512 * 512 }, (_, i) => {
    const plane = 512 * 512;
    return image.data[3 * (i % plane) + Math.floor(i / plane)] / 255;
  });
  const controlnet_cond = new inputs.sample.constructor('float32', pixels, [1, 3, 512, 512]);
  const names = Object.keys(pipe.components.unet.model.entries.call.inputs).filter((name) =>
    name.includes('additional_residual'),
  );
  const both = async () => {
    const residuals = Object.values(await pipe.components.controlnet.call({ ...inputs, controlnet_cond }));
    return pipe.unet.call({ ...inputs, ...Object.fromEntries(names.map((name, i) => [name, residuals[i]])) });
  };
  const times = { unet: [], both: [] };
  try {
    for (let round = 0; round < warmUp + rounds; round++)
      for (const [name, work] of Object.entries({ unet: () => pipe.unet.call(inputs), both })) {
        const started = performance.now();
        await work();
        const milliseconds = performance.now() - started;
        if (round >= warmUp) times[name].push(milliseconds);
        process.stderr.write(`${dtype} ${name}: ${seconds(milliseconds)} s${round < warmUp ? ' (warm-up)' : ''}\n`);
        await sleep(300);
      }
  } finally {
    await pipe.dispose();
  }
  const [unet, all] = [median(times.unet), median(times.both)];
  return [
    [`UNet, ${dtype} files`, seconds(unet), '×1.00'],
    [`UNet and ControlNet, ${dtype} files`, seconds(all), `×${(all / unet).toFixed(2)}`],
  ];
}

/** A whole picture by the command line, two steps with guidance, within a hard limit. */
async function limited(limit) {
  const picture = join(tmpdir(), `thimble-control-${process.pid}.png`);
  writeFileSync(picture, await controlImage().toBuffer('png'));
  try {
    const control = `model=${controlNetCheckpoint('f16')},image=${picture}`;
    const run = await limitedGenerate(sd15Checkpoint('f16'), limit, { flags: ['--control', control] });
    process.stderr.write(`${limit} MB: ${run.ok ? `${run.peakAnonymous} MB anonymous` : 'not enough'}\n`);
    return run.ok
      ? [`${limit} MB, cold disk`, seconds(run.pass), seconds(run.decode), `${run.peakAnonymous} MB`]
      : [`${limit} MB, cold disk`, 'does not complete', '', ''];
  } finally {
    rmSync(picture, { force: true });
  }
}

/** `npm run bench -- controlnet [--rounds N] [--limits MB,MB] [--only passes,picture]` */
export async function benchControlNet(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      limits: { type: 'string', default: '256,224,208' },
      only: { type: 'string', default: 'passes,picture' },
    },
  });
  const counts = { rounds: Number(values.rounds), warmUp: Number(values['warm-up']) };
  const parts = values.only.split(',');
  console.log(`SD 1.5 and a ControlNet at full size (random weights), 512×512. ${describeMachine()}\n`);
  if (parts.includes('passes')) {
    const rows = [...(await passes('f32', counts)), ...(await passes('f16', counts))];
    console.log(
      `A pass, batch 1, fused attention; medians of ${values.rounds}, in turn:\n\n${markdownTable(['', 's', ''], rows)}\n`,
    );
  }
  if (parts.includes('picture')) {
    const rows = [];
    for (const limit of values.limits.split(',').map(Number)) rows.push(await limited(limit));
    const head = ['hard limit', 's per UNet pass, ControlNet included', 's for the VAE', 'peak anonymous'];
    console.log(
      `A picture with one ControlNet, two steps with guidance, \`--offload sequential --vae-tiling\`:\n\n${markdownTable(head, rows)}\n`,
    );
  }
}
