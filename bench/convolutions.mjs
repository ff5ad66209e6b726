// 3×3 convolutions of SD 1.5's UNet and VAE, one by one: by the runtime's own kernel and by Winograd's algorithm. The table in core follows from what this prints.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DiffusionPipeline, Tensor } from '../packages/core/dist/index.js';
import {
  Graph,
  MemoryBudget,
  planWinograd,
  SafetensorsFile,
  winogradConvolutions,
  writeSafetensors,
} from '../packages/core/dist/plugin.js';
import { describeMachine } from './machine.mjs';
import { markdownTable, median } from './statistics.mjs';

/** [in, out, side, batch] */
const SHAPES = {
  unet: [
    [320, 320, 64],
    [640, 320, 64],
    [960, 320, 64],
    [320, 640, 32],
    [640, 640, 32],
    [960, 640, 32],
    [1280, 640, 32],
    [1920, 640, 32],
    [640, 1280, 16],
    [1280, 1280, 16],
    [2560, 1280, 16],
    [1280, 1280, 8],
    [2560, 1280, 8],
    [640, 640, 64],
    [1280, 1280, 32],
  ],
  batch: [
    [320, 320, 64, 2],
    [640, 640, 32, 2],
    [1280, 1280, 16, 2],
    [1280, 1280, 8, 2],
  ],
  vae: [
    [512, 512, 64],
    [512, 512, 128],
    [512, 256, 256],
    [256, 256, 256],
    [256, 128, 512],
    [128, 128, 512],
  ],
  small: [
    [64, 64, 64],
    [128, 128, 64],
    [192, 192, 64],
    [64, 64, 256],
    [128, 128, 128],
    [256, 256, 32],
    [320, 320, 32],
    [320, 4, 64],
    [4, 320, 64],
    [128, 3, 512],
  ],
};

/** A convolution whose weights are mapped. */
function graphOf([channels, out, side, batch = 1], { weight, bias }) {
  const [input, output] = [channels, out].map((c) => [batch, c, side, side]);
  const weightOf = (name, source) => ({
    name,
    key: name,
    shape: source.shape,
    dims: source.shape,
    rows: [0, out],
    type: 'float32',
    source,
  });
  const attributes = { kernel_shape: { ints: [3, 3] }, strides: { ints: [1, 1] }, pads: { ints: [1, 1, 1, 1] } };
  return new Graph({
    name: 'convolution',
    inputs: [{ name: 'x', type: 'float32', rank: 4 }],
    outputs: [{ name: 'y', type: 'float32', rank: 4 }],
    nodes: [{ op: 'Conv', domain: '', name: 'conv', inputs: ['x', 'weight', 'bias'], outputs: ['y'], attributes }],
    constants: [],
    weights: [weightOf('weight', weight), weightOf('bias', bias)],
    shapes: new Map([
      ['x', input],
      ['y', output],
    ]),
  });
}

async function measure(unet, shape, folder, rounds) {
  const [channels, out, side, batch = 1] = shape;
  const path = join(folder, `${channels}-${out}.safetensors`);
  const random = (length, scale) => Float32Array.from({ length }, () => (Math.random() - 0.5) * scale);
  const bytes = (values) => new Uint8Array(values.buffer);
  await writeSafetensors(path, {
    weight: {
      dtype: 'F32',
      shape: [out, channels, 3, 3],
      data: bytes(random(out * channels * 9, 1 / Math.sqrt(channels))),
    },
    bias: { dtype: 'F32', shape: [out], data: bytes(random(out, 1)) },
  });
  const { tensors } = await SafetensorsFile.open(path);
  const graph = graphOf(shape, { weight: tensors.get('weight'), bias: tensors.get('bias') });
  const budget = new MemoryBudget().convolutionBytes;
  const graphs = [
    graph,
    ...[2, 4].map((tile) => winogradConvolutions(graph, (site) => planWinograd(site, tile, budget))),
  ];
  const { device } = unet;
  const input = await device.upload(
    new Tensor('float32', random(batch * channels * side * side, 2), [batch, channels, side, side]),
  );
  const sessions = [];
  for (const each of graphs) sessions.push(await device.load(unet.lower(each)));
  const times = graphs.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, session] of sessions.entries()) {
      const steps = [{ session, feeds: { x: 'x' }, results: { y: 'y' }, release: [] }];
      const { kept, durations } = await device.run({ inputs: { x: input }, steps, outputs: { y: 'keep' } });
      await device.free(Object.values(kept));
      if (round > 0) times[i].push(durations[0]);
    }
  }
  await device.free([input]);
  for (const session of sessions) await device.unload(session);
  rmSync(path);
  const [direct, two, four] = times.map(median);
  const best = times.map((all) => Math.min(...all));
  const cell = (time, least, same) =>
    same ? 'no room' : `${time.toFixed(1)} (×${(direct / time).toFixed(2)}; best ×${(best[0] / least).toFixed(2)})`;
  return [
    `${channels} → ${out}, ${side}²${batch > 1 ? ` × ${batch}` : ''}`,
    `${direct.toFixed(1)} (best ${best[0].toFixed(1)})`,
    cell(two, best[1], graphs[1] === graph),
    cell(four, best[2], graphs[2] === graph),
  ];
}

/** `npm run bench -- convolutions [--only unet,batch,vae,small] [--rounds N]` */
export async function benchConvolutions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: Object.keys(SHAPES).join() },
      rounds: { type: 'string', default: '5' },
    },
  });
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-bench-')));
  const pipe = await DiffusionPipeline.fromPretrained('models/demo', {
    components: ['unet'],
    convolution: 'direct',
    memoryLimit: 'none',
  });
  try {
    const rows = [];
    for (const name of values.only.split(','))
      for (const shape of SHAPES[name]) {
        rows.push(await measure(pipe.unet, shape, folder, Number(values.rounds)));
        process.stderr.write(`${rows.at(-1).join(' | ')}\n`);
      }
    console.log(
      `3×3 convolutions in float32, weights mapped, milliseconds; medians of ${values.rounds} in turn. ${describeMachine()}\n`,
    );
    console.log(markdownTable(['', "runtime's kernel", 'tiles of 2, F(2,3)', 'tiles of 4, F(4,3)'], rows));
  } finally {
    await pipe.dispose();
    rmSync(folder, { recursive: true });
  }
}
