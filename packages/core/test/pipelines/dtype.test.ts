import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import type { ProgramResult } from '../../src/device/Program.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { FromPretrainedOptions } from '../../src/pipelines/FromPretrainedOptions.js';
import type { Plugin } from '../../src/extension/Plugin.js';
import { DEVICES } from '../../src/extension/tokens.js';
import { fixturePath } from '../support/fixturePath.js';

let pipe: DiffusionPipeline;
let folder: string;
let warnings: string[];

beforeEach(() => {
  warnings = [];
  folder = mkdtempSync(join(tmpdir(), 'thimble-test-'));
});
afterEach(async () => {
  await pipe?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function open(model: string, options: FromPretrainedOptions): Promise<DiffusionPipeline> {
  const onProgress = (event: { type: string; code?: string }): void =>
    void (event.type === 'warning' && warnings.push(event.code as string));
  pipe = await DiffusionPipeline.fromPretrained(model, {
    deviceOptions: { inline: true, threads: 1 },
    onProgress,
    ...options,
  });
  return pipe;
}

async function picture(): Promise<Float32Array> {
  return (await pipe.generate('a red fox', { numInferenceSteps: 2, seed: 7, outputType: 'tensor' })).images
    .data as Float32Array;
}

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);
}

/** A checkpoint with the files of both types. */
function both(): string {
  cpSync(fixturePath('sd-tiny'), folder, { recursive: true });
  cpSync(fixturePath('sd-tiny-f16'), folder, { recursive: true, filter: (path) => !path.includes('tokenizer') });
  return folder;
}

/** A device that computes on the CPU and says that it is another, so that what it is given can be looked at; the runtime's CPU provider takes float16 too. */
class WatchedDevice extends InlineDevice {
  override readonly provider = 'webgpu';
  readonly types: string[] = [];

  constructor() {
    super({ provider: 'cpu' });
  }

  override async run(...given: Parameters<InlineDevice['run']>): Promise<ProgramResult> {
    const result = await super.run(...given);
    const inputs = Object.entries(given[0].inputs).map(
      ([name, value]) => `${name}: ${'type' in value ? value.type : 'rows'}`,
    );
    this.types.push([...inputs, ...Object.values(result.downloaded).map(({ type }) => `gives ${type}`)].join(', '));
    return result;
  }
}

function provide(device: WatchedDevice): Plugin {
  return { name: 'test:device', apply: (ctx) => void ctx.provide(DEVICES, { watched: () => device }) };
}

describe('dtype chooses among the files of a checkpoint', () => {
  test.each([
    ['float32', 'F32'],
    ['float16', 'F16'],
    [undefined, 'F32'],
  ] as const)('%s takes %s', async (dtype, stored) => {
    await open(both(), dtype === undefined ? {} : { dtype });
    for (const { checkpoint } of Object.values(pipe.components))
      expect(
        [...checkpoint.tensors.values()].every((tensor) => !tensor.dtype.startsWith('F') || tensor.dtype === stored),
      ).toBe(true);
    expect(warnings.filter((code) => code.startsWith('WARN_DTYPE') || code.startsWith('WARN_VARIANT'))).toEqual([]);
  });

  test('a variant goes before it', async () => {
    await open(both(), { dtype: 'float32', variant: 'fp16' });
    expect(pipe.components['unet']!.checkpoint.variant).toBe('fp16');
  });

  test('what is there in another type is used, with a warning', async () => {
    await open(fixturePath('sd-tiny'), { dtype: 'bfloat16' });
    const bytes = pipe.components['unet']!.checkpoint.byteLength;
    expect(warnings.filter((code) => code === 'WARN_DTYPE_STORED').length).toBe(Object.keys(pipe.components).length);
    expect(bytes).toBeGreaterThan(0);
    await expect(open(fixturePath('sd-tiny'), { dtype: 'half' as 'float16' })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'dtype' },
    });
    const noText = Object.create(null) as string;
    await expect(open(fixturePath('sd-tiny'), { variant: noText })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'variant' },
    });
  });
});

test('the CPU computes in float32 whatever weights are stored in', async () => {
  await open(fixturePath('sd-tiny-f16'), { variant: 'fp16' });
  const widened = await picture();
  await pipe.dispose();
  await open(fixturePath('sd-tiny-f16'), { dtype: 'float16' });
  expect(await picture()).toEqual(widened);
});

describe('a provider that computes in float16', () => {
  test.each([
    ['sd-tiny-f16', 'float16 weights'],
    ['sd-tiny', 'float32 weights'],
  ])('does from inputs to outputs, with %s, but for what force_upcast says', async (model) => {
    await open(fixturePath(model), model.endsWith('f16') ? { variant: 'fp16' } : {});
    const plain = await picture();
    await pipe.dispose();
    const device = new WatchedDevice();
    await open(fixturePath(model), { device: 'watched', plugins: [provide(device)], dtype: 'float16' });
    expect(pipe.components['vae']!.config['force_upcast']).toBe(true);
    expect(distance(await picture(), plain)).toBeLessThan(0.02);
    expect([...new Set(device.types)].toSorted()).toEqual([
      'input_ids: int64, gives float16, gives float16',
      'sample: float16, timestep: int64, encoder_hidden_states: float16, gives float16',
      'z: float32, gives float32',
    ]);
  });

  test('does not unless it is asked to', async () => {
    const device = new WatchedDevice();
    await open(fixturePath('sd-tiny-f16'), { device: 'watched', plugins: [provide(device)], variant: 'fp16' });
    await picture();
    expect(device.types.join()).not.toContain('float16');
  });

  test('sees segment hooks as ever', async () => {
    const device = new WatchedDevice();
    await open(fixturePath('sd-tiny-f16'), { device: 'watched', plugins: [provide(device)], dtype: 'float16' });
    const whole = await picture();
    pipe.hooks.beforeSegment.tap('watch', () => undefined);
    expect(await picture()).toEqual(whole);
  });

  test('keeps the digits of timesteps', async () => {
    const device = new WatchedDevice();
    await open(fixturePath('sd-tiny'), {
      device: 'watched',
      plugins: [provide(device)],
      dtype: 'float16',
      components: ['unet'],
    });
    const inputs = {
      sample: new Tensor('float32', new Float32Array(4 * 64).fill(0.5), [1, 4, 8, 8]),
      encoder_hidden_states: new Tensor('float32', new Float32Array(77 * 32), [1, 77, 32]),
    };
    await pipe.components['unet']!.call({ ...inputs, timestep: new Tensor('float32', Float32Array.of(999.4), [1]) });
    expect(device.types).toEqual(['sample: float16, timestep: float32, encoder_hidden_states: float16, gives float16']);
  });
});
