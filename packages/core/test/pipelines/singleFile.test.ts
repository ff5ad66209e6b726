import { createHash } from 'node:crypto';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  AutoencoderKL,
  DiffusionPipeline,
  StableDiffusionPipeline,
  StableDiffusionXLPipeline,
  type Tensor,
  UNet2DConditionModel,
} from '../../src/index.js';
import { takeApart } from '../../src/weights/families/CheckpointFile.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import type { TensorView } from '../../src/weights/TensorView.js';
import { assembleSingleFile, keyMaps } from '../support/assembleSingleFile.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-single-')));
const inline = { deviceOptions: { inline: true } } as const;
const shipped = (name: string): string => fixturePath(`single-file/${name}`);
const assembled = (name: string): string => join(folder, name);

beforeAll(async () => {
  for (const name of ['sd.safetensors', 'sd2.safetensors']) await assembleSingleFile(name, assembled(name));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('every key of the fixtures', () => {
  const files = ['sd', 'sd2', 'sdxl', 'vae', 'unet-ema'].map((name) => `${name}.safetensors`);

  test.each(files)('%s is found, or belongs to nothing', async (name) => {
    const file = await SafetensorsFile.open(
      name.startsWith('sd.') || name.startsWith('sd2') ? assembled(name) : shipped(name),
    );
    const { parts, unused } = takeApart(file);
    const found = new Map<string, TensorView>(
      parts.flatMap(({ component, tensors }) =>
        [...tensors].map(([key, view]) => [`${component}:${key}`, view] as const),
      ),
    );
    const maps = keyMaps()[name]!.tensors;
    const wrong = Object.entries(maps).filter(([key, entry]) => {
      // A layer more than the model has, and the like, are views that nobody asks for.
      if (typeof entry === 'object' && entry.op === 'ignore')
        return !/resblocks|logit_scale|text_projection|position_ids/.test(key) && !unused.includes(key);
      const targets = [typeof entry === 'string' ? entry : entry.to].flat();
      const op = typeof entry === 'string' ? 'copy' : entry.op;
      const stored = file.tensor(key);
      return !targets.every((target, at) => {
        const view = found.get(modern(target)) ?? found.get(modern(target).replace(':', ':text_model.'));
        const share = stored.byteLength / targets.length;
        const inPlace = view?.offset === stored.offset + at * share && view.byteLength === share;
        const turned = (view?.transposed !== undefined) === (op === 'transpose');
        return inPlace && turned && view.file === file.path && (op !== 'squeeze' || view.shape.length === 2);
      });
    });
    expect(wrong).toEqual([]);
    expect(found.size).toBeGreaterThan(20);
  });
});

/** Old checkpoints call attention's layers otherwise; models know both. */
function modern(target: string): string {
  const names = { query: 'to_q', key: 'to_k', value: 'to_v', proj_attn: 'to_out.0' };
  return Object.entries(names).reduce(
    (text, [old, name]) => text.replace(`attentions.0.${old}.`, `attentions.0.${name}.`),
    target,
  );
}

describe('a checkpoint in one file', () => {
  const RUN = { numInferenceSteps: 2, seed: 3, width: 32, height: 32, outputType: 'tensor' } as const;

  async function picture(pipe: DiffusionPipeline): Promise<string> {
    const { images } = await pipe.generate('a red fox', RUN);
    return digest(images.data as Float32Array);
  }

  test.each([
    ['sd.safetensors', 'sd-tiny-f16'],
    ['sd2.safetensors', 'sd2-tiny'],
  ])('%s draws what its folder %s draws, to the bit', async (file, equals) => {
    const config = fixturePath(equals);
    const quiet = { ...inline, onProgress: () => undefined };
    await using whole = await DiffusionPipeline.fromPretrained(config, quiet);
    await using pipe = await StableDiffusionPipeline.fromSingleFile(assembled(file), { ...quiet, config });
    expect(pipe.folder).toBe(assembled(file));
    expect(await picture(pipe)).toEqual(await picture(whole));
  });

  test('sdxl.safetensors computes what diffusers computes of it', async () => {
    const fixture = await FixtureCase.open('single-file');
    await using pipe = await StableDiffusionXLPipeline.fromPretrained(shipped('sdxl.safetensors'), {
      ...inline,
      config: fixturePath('sdxl-tiny'),
    });
    const excess: Record<string, number> = {};
    for (const { name } of fixture.calls.filter((call) => call.name.startsWith('sdxl.'))) {
      const [, component = '', entry = 'call'] = name.split('.');
      const inputs = await fixture.inputs(name);
      const got = await pipe.components[component]!.invoke(entry, inputs);
      for (const output of Object.keys(fixture.call(name).out))
        excess[`${name} ${output}`] = await fixture.excess(name, output, got[output]!);
    }
    expect(Object.keys(excess)).toHaveLength(6);
    for (const [what, value] of Object.entries(excess))
      expect({ what, right: value <= 1, value }).toMatchObject({ what, right: true });
  });

  test('of one model is that model, its averages left out', async () => {
    const fixture = await FixtureCase.open('single-file');
    const path = shipped('unet-ema.safetensors');
    const config = fixturePath('inpaint-more/unet');
    await using pipe = await DiffusionPipeline.fromSingleFile(path, { ...inline, config });
    const { sample } = await pipe.components['unet']!.call(await fixture.inputs('unet-ema.unet'));
    expect(await fixture.excess('unet-ema.unet', 'sample', sample!)).toBeLessThanOrEqual(1);
    const { checkpoint } = await UNet2DConditionModel.fromPretrained(path, { config });
    expect([...checkpoint.tensors.keys()].filter((key) => key.includes('model_ema'))).toEqual([]);
  });

  test('stands in for a component of another model: a file, a whole checkpoint, a folder', async () => {
    const base = fixturePath('sdxl-tiny');
    await using plain = await DiffusionPipeline.fromPretrained(base, inline);
    const z = (await FixtureCase.open('single-file')).inputs('sdxl.vae.decode');
    const decoded = async (pipe: DiffusionPipeline): Promise<string> =>
      digest((await pipe.components['vae']!.decode((await z) as { z: Tensor })).sample.data as Float32Array);
    const expected = await decoded(plain);
    for (const vae of [shipped('vae.safetensors'), join(base, 'vae'), base]) {
      await using pipe = await DiffusionPipeline.fromPretrained(base, { ...inline, components: { vae } });
      expect(await decoded(pipe)).toBe(expected);
    }
    const loaded = await AutoencoderKL.fromPretrained(shipped('sdxl.safetensors'), { config: base });
    expect(loaded.checkpoint.files).toEqual([shipped('sdxl.safetensors')]);
    await using mixed = await DiffusionPipeline.fromPretrained(base, {
      ...inline,
      components: { vae: loaded, unet: shipped('sdxl.safetensors'), text_encoder_2: shipped('sdxl.safetensors') },
    });
    expect(Object.values(mixed.components).map((each) => each.checkpoint.files[0]!.includes('single-file'))).toEqual(
      Object.keys(mixed.components).map((name) => name !== 'text_encoder'),
    );
  });
});

function digest(values: Float32Array): string {
  return createHash('sha1').update(values).digest('hex');
}
