import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { AutoencoderKL, convertCheckpoint, DiffusionPipeline } from '../../src/index.js';
import { readWeight } from '../../src/graph/storage/readRowPieces.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { keyMaps } from '../support/assembleSingleFile.js';
import { fixturePath } from '../support/fixturePath.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-convert-')));
afterAll(() => rmSync(folder, { recursive: true }));
const inline = { deviceOptions: { inline: true }, onProgress: () => undefined } as const;

/** A digest of every weight of every component, as float32. */
async function weightsOf(model: string, config?: string): Promise<Record<string, string>> {
  await using pipe = await DiffusionPipeline.fromPretrained(model, { ...inline, config });
  const all: Record<string, string> = {};
  for (const [name, { weights }] of Object.entries(pipe.components))
    for (const key of weights.keys())
      all[`${name}:${key}`] = createHash('sha1')
        .update(await readWeight(weights.find(key)!))
        .digest('hex');
  return all;
}

/** A fixture as one file, whose keys are those of the original. */
async function asFile(name: string, recorded: string): Promise<string> {
  const file = join(folder, `${name}.safetensors`);
  await convertCheckpoint(fixturePath(name), file, { layout: 'single-file' });
  const { tensors } = await SafetensorsFile.open(file);
  const wanted = Object.entries(keyMaps()[recorded]!.tensors).flatMap(([key, entry]) =>
    typeof entry === 'object' && entry.op === 'ignore' ? [] : [key],
  );
  expect([...tensors.keys()].toSorted()).toEqual(wanted.toSorted());
  return file;
}

test('a folder becomes a file with the keys of the original, and a folder again, to the bit', async () => {
  await asFile('sdxl-tiny', 'sdxl.safetensors');
  const file = await asFile('sd2-tiny', 'sd2.safetensors');
  const [config, back] = [fixturePath('sd2-tiny'), join(folder, 'sd2-tiny')];
  const told: number[] = [];
  await convertCheckpoint(file, back, {
    layout: 'diffusers',
    config,
    onWritten: (done, total) => told.push(done / total),
  });
  expect(told.at(-1)).toBe(1);
  expect(await weightsOf(back)).toEqual(await weightsOf(config));
  // transformers refuses 1 where it wants 1.0.
  expect(readFileSync(join(back, 'text_encoder/config.json'), 'utf8')).toContain('"initializer_factor": 1.0');
  expect(readdirSync(folder).filter((each) => each.endsWith('.tmp'))).toEqual([]);
});

test('a VAE alone becomes one in another type: matrices in eight bits, the rest in sixteen', async () => {
  const file = join(folder, 'vae.safetensors');
  const source = fixturePath('sdxl-tiny/vae');
  await convertCheckpoint(source, file, { layout: 'single-file', dtype: 'f8_e4m3' });
  const { checkpoint } = await AutoencoderKL.fromPretrained(file, { config: source });
  for (const { dtype, shape } of checkpoint.tensors.values()) expect(dtype).toBe(shape.length > 1 ? 'F8_E4M3' : 'F16');

  const narrow = join(folder, 'vae');
  await convertCheckpoint(source, narrow, { layout: 'diffusers', dtype: 'bf16' });
  const { checkpoint: rounded } = await AutoencoderKL.fromPretrained(narrow);
  const { checkpoint: own } = await AutoencoderKL.fromPretrained(source);
  for (const [key, view] of rounded.tensors) {
    expect(view.dtype).toBe('BF16');
    const [got, want] = [await readWeight(view), await readWeight(own.tensors.get(key)!)];
    // An assertion for each of a million weights takes seconds.
    expect(want.findIndex((value, i) => !(Math.abs(got[i]! - value) <= Math.abs(value) / 256))).toBe(-1);
  }
});

test('what cannot be written is refused, and leaves nothing', async () => {
  const [out, source] = [join(folder, 'none.safetensors'), fixturePath('sdxl-tiny')];
  const refuse = async (options: object, to = out): Promise<unknown> =>
    convertCheckpoint(source, to, { layout: 'single-file', ...options }).catch((error: unknown) => error);
  expect(await refuse({ dtype: 'q4' })).toMatchObject({ code: 'ERR_ARGUMENT_INVALID', details: { argument: 'dtype' } });
  expect(await refuse({ layout: 'onnx' })).toMatchObject({
    code: 'ERR_ARGUMENT_INVALID',
    details: { argument: 'layout' },
  });
  expect(await refuse({}, source)).toMatchObject({ code: 'ERR_ARGUMENT_INVALID', details: { argument: 'out' } });
  const aborted = new AbortController();
  const onWritten = (done: number): void => {
    if (done === 5) aborted.abort(new Error('enough'));
  };
  for (const layout of ['single-file', 'diffusers'])
    expect(await refuse({ layout, onWritten, signal: aborted.signal })).toMatchObject({ message: 'enough' });
  expect(readdirSync(folder).filter((name) => name.includes('none'))).toEqual([]);
});
