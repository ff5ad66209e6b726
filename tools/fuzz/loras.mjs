// Files of LoRAs: refused, or the pipeline has them in every layer that they name, and is what it was when they are gone.
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiffusionPipeline } from '@thimble/core';
import { openTensorFile, writeSafetensors } from '@thimble/core/plugin';
import { LoraPlugin } from '@thimble/plugin-lora';
import { testCheckpoint } from '@thimble/plugin-testkit';
import fc from 'fast-check';
import { FIXTURES } from './fixtures.mjs';
import { randoms } from './Random.mjs';
import { oddTexts } from './oddValues.mjs';
import { refusalOf } from './refusalOf.mjs';
import { spoilHeader } from './spoilHeader.mjs';

const FILES = [
  'lora/kohya',
  'lora/peft',
  'lora-more/dora-kohya',
  'lora-more/dora-peft',
  'lora-more/locon',
  'lora-more/no-alpha',
  'lora-more/sdxl-kohya',
];
const FACTORS = [
  'lora_down.weight',
  'lora_up.weight',
  'lora_mid.weight',
  'lora_A.weight',
  'lora_B.weight',
  'alpha',
  'dora_scale',
  'lora_magnitude_vector',
  'hada_w1_a',
  'hada_w1_b',
  'hada_w2_a',
  'hada_w2_b',
  'hada_t1',
  'lokr_w1',
  'lokr_w2',
  'lokr_w1_a',
  'lokr_w1_b',
  'lokr_w2_a',
  'lokr_w2_b',
  'lokr_t2',
  'diff',
  'diff_b',
];

export const count = 60_000;

export async function open(sandbox) {
  const folder = await sandbox.makeFolder('loras');
  const originals = [];
  const layers = new Set();
  for (const name of FILES) {
    const path = join(FIXTURES, `${name}.safetensors`);
    const { tensors } = await openTensorFile(path);
    for (const key of tensors.keys()) layers.add(key.replace(/\.(lora_.*|alpha|dora_scale)$/, ''));
    const headerBytes = Math.min(...Array.from(tensors.values(), ({ offset }) => offset));
    originals.push({ head: (await readFile(path)).subarray(0, headerBytes), size: (await stat(path)).size });
  }
  const pipe = await DiffusionPipeline.fromPretrained(testCheckpoint, { deviceOptions: { inline: true, threads: 1 } });
  const path = join(folder, 'x.safetensors');
  const tensor = fc.record({
    layer: fc.oneof({ weight: 8, arbitrary: fc.nat() }, { weight: 1, arbitrary: oddTexts }),
    factor: fc.constantFrom(...FACTORS),
    shape: fc.array(fc.constantFrom(0, 1, 2, 4, 8, 16, 32, 64), { maxLength: 4 }),
    dtype: fc.constantFrom('F32', 'F16', 'BF16', 'I64', 'F8_E4M3', 'U8'),
  });
  const names = [...layers];
  return {
    inputs: fc.record({
      file: fc.oneof(
        { weight: 3, arbitrary: randoms.map((random) => ({ random })) },
        { weight: 2, arbitrary: fc.array(tensor, { maxLength: 5 }).map((tensors) => ({ tensors })) },
      ),
      scale: fc.oneof(
        { weight: 8, arbitrary: fc.constantFrom(1, 0, -1) },
        { weight: 1, arbitrary: fc.constantFrom({ unet: 0.5 }, { unet: { down: 1 } }, { x: 1 }, 1e300) },
      ),
    }),
    tryOne: async ({ file, scale }) => {
      if (file.tensors === undefined) {
        const original = file.random.of(originals);
        const { head, size } = spoilHeader(
          { head: Buffer.from(original.head), size: original.size },
          true,
          file.random,
        );
        await writeFile(path, head);
        await truncate(path, size);
      } else await writeSafetensors(path, tensorsOf(file.tensors, names));
      return tryLora(pipe, path, scale);
    },
    close: async () => pipe.dispose(),
  };
}

function tensorsOf(list, names) {
  const entries = list.map(({ layer, factor, shape, dtype }) => {
    const bytes = { F32: 4, F16: 2, BF16: 2, I64: 8, F8_E4M3: 1, U8: 1 }[dtype];
    const size = shape.reduce((a, b) => a * b, 1);
    const name = typeof layer === 'number' ? names[layer % names.length] : layer;
    return [
      `${name}.${factor}`,
      size > 2 ** 20
        ? { dtype, shape: [1], data: new Uint8Array(bytes) }
        : { dtype, shape, data: new Uint8Array(size * bytes) },
    ];
  });
  return Object.fromEntries(entries);
}

async function tryLora(pipe, path, scale) {
  const used = await refusalOf(() => pipe.use(new LoraPlugin([{ file: path, scale }])));
  if (typeof used !== 'string') await pipe.remove(used.value);
  const left = Object.values(pipe.hooks).flatMap((hook) => hook.owners());
  if (pipe.plugins.length + left.length > 0) throw new Error(`${left.map(({ name }) => name).join(', ')} is left`);
  return typeof used === 'string' ? used : 'used and removed';
}
