import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DiffusionPipeline, type Image, isThimbleError } from '@thimble/core';
import { SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { BlendScheduler, ShapeDenoiser, ShapesPipeline, ShapesPlugin } from '../src/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const checkpoint = join(root, 'checkpoint');
let pipe: DiffusionPipeline;

before(async () => {
  pipe = await DiffusionPipeline.fromPretrained(checkpoint, { plugins: [new ShapesPlugin()] });
});
after(() => pipe.dispose());

const pixel = ({ data, width }: Image, x: number, y: number): number[] => [
  ...data.subarray(3 * (y * width + x)).subarray(0, 3),
];
const near = (got: readonly number[], expected: readonly number[]): void =>
  assert.ok(
    got.every((value, i) => Math.abs(value - (expected[i] as number)) <= 16),
    `${got.join()} is not near ${expected.join()}`,
  );

test('every part is of a class of this package', () => {
  assert.ok(pipe instanceof ShapesPipeline);
  assert.ok(pipe.scheduler instanceof BlendScheduler);
  assert.ok(pipe.components['denoiser']?.model instanceof ShapeDenoiser);
  assert.deepEqual(Object.keys(pipe.parts).sort(), ['denoiser', 'scheduler', 'tokenizer']);
});

test('the picture is what the prompt says', async () => {
  const { images } = await pipe.generate(['a red square', 'a yellow cross'], { seed: 3 });
  const [square, cross] = images as [Image, Image];
  near(pixel(square, 16, 16), [255, 0, 0]);
  near(pixel(square, 8, 16), [255, 0, 0]);
  near(pixel(square, 1, 1), [0, 0, 0]);
  near(pixel(cross, 16, 2), [255, 255, 0]);
  near(pixel(cross, 2, 16), [255, 255, 0]);
  near(pixel(cross, 6, 6), [0, 0, 0]);
});

test('the seed is the grain, and decides it', async () => {
  const draw = async (seed: number): Promise<Uint8Array> =>
    (await pipe.generate('a blue disc', { seed })).images[0]!.data;
  assert.deepEqual(await draw(1), await draw(1));
  assert.notDeepEqual(await draw(1), await draw(2));
});

test('steps are told of, and the last is the result', async () => {
  const types: string[] = [];
  for await (const event of pipe.stream('a green square', { numInferenceSteps: 4, seed: 1 })) types.push(event.type);
  assert.deepEqual(
    types.filter((type) => type === 'step' || type === 'done'),
    ['step', 'step', 'step', 'step', 'done'],
  );
});

test('a plugin that moves weights in and out leaves every pixel as it was', async () => {
  const plain = (await pipe.generate('a white disc', { seed: 5 })).images[0]!;
  const handle = await pipe.use(new SequentialOffloadPlugin());
  assert.deepEqual((await pipe.generate('a white disc', { seed: 5 })).images[0]!.data, plain.data);
  assert.equal(pipe.components['denoiser']!.loaded, false);
  await handle.remove();
  assert.deepEqual((await pipe.generate('a white disc', { seed: 5 })).images[0]!.data, plain.data);
});

test('without the plugin the checkpoint is one that nobody knows', async () => {
  await assert.rejects(DiffusionPipeline.fromPretrained(checkpoint), (error) =>
    isThimbleError(error, 'ERR_PIPELINE_UNSUPPORTED'),
  );
});

test('the denoiser alone is a pipeline with that component', async () => {
  const alone = await DiffusionPipeline.fromPretrained(join(checkpoint, 'denoiser'), { plugins: [new ShapesPlugin()] });
  assert.deepEqual(Object.keys(alone.components), ['denoiser']);
  await alone.dispose();
});

test('the checkpoint is what its script makes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'thimble-shapes-'));
  try {
    await promisify(execFile)(process.execPath, ['make-checkpoint.mjs', folder], { cwd: root });
    const files = (await readdir(checkpoint, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    assert.equal(files.length, 5);
    for (const { parentPath, name } of files) {
      const path = join(parentPath, name);
      assert.deepEqual(await readFile(path), await readFile(path.replace(checkpoint, folder)));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
