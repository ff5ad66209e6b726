import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DiffusionPipeline, type Plugin, Tensor } from '@thimble/core';
import { InlineDevice, readWeight, SafetensorsFile, type TensorToWrite, writeSafetensors } from '@thimble/core/plugin';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { Int8ComputePlugin } from '@thimble/plugin-int8';
import { createTestPipeline, testCheckpoint } from '@thimble/plugin-testkit';
import { LoraPlugin } from '../src/index.js';
import { numbers, randomTensors, writeLora } from './RandomLora.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-lora-plugin-'));
const MID = 'mid_block.attentions.0.transformer_blocks.0';
let pipe: DiffusionPipeline;
let file: string;

beforeAll(async () => {
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
  pipe = await createTestPipeline({ device: 'inline' });
  file = await writeLora(
    folder,
    'detail',
    randomTensors({
      [`unet.${MID}.attn1.to_q.lora_A.weight`]: [2, 16],
      [`unet.${MID}.attn1.to_q.lora_B.weight`]: [16, 2],
      [`unet.${MID}.ff.net.0.proj.lora_A.weight`]: [2, 16],
      [`unet.${MID}.ff.net.0.proj.lora_B.weight`]: [128, 2],
      'unet.mid_block.resnets.0.conv1.lora_A.weight': [2, 16, 3, 3],
      'unet.mid_block.resnets.0.conv1.lora_B.weight': [16, 2, 1, 1],
      'unet.nowhere.to_q.lora_A.weight': [2, 16],
      'unet.nowhere.to_q.lora_B.weight': [16, 2],
      'unet.mid_block.extra': [3],
    }),
  );
});
afterEach(async () => {
  for (const handle of pipe.plugins) await pipe.remove(handle);
});
afterAll(async () => {
  await pipe.dispose();
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

async function outputOf(of: DiffusionPipeline = pipe): Promise<Float32Array> {
  const { cross_attention_dim: features } = of.components['unet']!.config as { cross_attention_dim: number };
  const { sample } = await of.components['unet']!.call({
    sample: new Tensor('float32', numbers(4 * 64, 1), [1, 4, 8, 8]),
    timestep: new Tensor('int64', [500n], [1]),
    encoder_hidden_states: new Tensor('float32', numbers(7 * features, 2), [1, 7, features]),
  });
  return sample!.data as Float32Array;
}

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

async function refusal(adapters: ConstructorParameters<typeof LoraPlugin>[0]): Promise<unknown> {
  return pipe.use(new LoraPlugin(adapters)).then(
    () => undefined,
    (error: unknown) => (error as { cause?: unknown }).cause,
  );
}

describe('scales', () => {
  test('change what is computed at once, without another session', async () => {
    const plain = await outputOf();
    const half = await pipe.use(new LoraPlugin([{ file, scale: 0.5 }]));
    const want = await outputOf();
    await half.remove();
    const plugin = new LoraPlugin([{ file }]);
    await pipe.use(plugin);
    const whole = await outputOf();
    const load = jest.spyOn(InlineDevice.prototype, 'load');
    await plugin.setScales({ detail: 0.5 });
    expect(plugin.scales).toEqual({ detail: 0.5 });
    expect(await outputOf()).toEqual(want);
    await plugin.setScales({ detail: 0 });
    expect(distance(await outputOf(), plain)).toBeLessThan(1e-5);
    await plugin.setScales({ detail: { unet: 1, text_encoder: 0 } });
    expect(await outputOf()).toEqual(whole);
    expect(load).not.toHaveBeenCalled();
    load.mockRestore();
    expect(distance(whole, plain)).toBeGreaterThan(0.01);
    await pipe.remove(plugin);
    expect(await outputOf()).toEqual(plain);
  });

  test('of merged layers have them made anew', async () => {
    const half = await pipe.use(new LoraPlugin([{ file, scale: 0.5 }], { mode: 'fuse' }));
    const want = await outputOf();
    await half.remove();
    const plugin = new LoraPlugin([{ file }], { mode: 'fuse' });
    await pipe.use(plugin);
    expect(await outputOf()).not.toEqual(want);
    await plugin.setScales({ detail: 0.5 });
    expect(await outputOf()).toEqual(want);
  });

  test('are refused for names that no LoRA has, and where they are none', async () => {
    const plugin = new LoraPlugin([{ file }]);
    for (const scales of [{ other: 1 }, { detail: 'strong' }, { detail: { unet: { left: 1 } } }, { detail: NaN }, 5])
      await expect(plugin.setScales(scales as never)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
    expect(plugin.scales).toEqual({ detail: 1 });
  });
});

test('two LoRAs add up, in either order, and beside one another as merged', async () => {
  const other = await writeLora(
    folder,
    'other',
    randomTensors(
      {
        [`unet.${MID}.attn1.to_q.lora_A.weight`]: [3, 16],
        [`unet.${MID}.attn1.to_q.lora_B.weight`]: [16, 3],
        'unet.mid_block.resnets.0.conv1.lora_A.weight': [1, 16, 3, 3],
        'unet.mid_block.resnets.0.conv1.lora_B.weight': [16, 1, 1, 1],
      },
      0.3,
    ),
  );
  const adapters = [{ file }, { file: other, scale: -0.5 }];
  const outputs: Float32Array[] = [];
  for (const [order, mode] of [
    [adapters, 'branch'],
    [adapters.toReversed(), 'branch'],
    [adapters, 'fuse'],
  ] as const) {
    const handle = await pipe.use(new LoraPlugin(order, { mode }));
    outputs.push(await outputOf());
    await handle.remove();
  }
  const alone = await pipe.use(new LoraPlugin([{ file }]));
  expect(distance(outputs[0]!, await outputOf())).toBeGreaterThan(0.01);
  await alone.remove();
  for (const output of outputs.slice(1)) expect(distance(output, outputs[0]!)).toBeLessThan(1e-4);
});

test('tells what of a file is used, and names what is not', async () => {
  const warned: string[] = [];
  const plugin = new LoraPlugin([{ file }]);
  await pipe.use(plugin);
  const [report] = plugin.reports;
  expect(report).toMatchObject({ name: 'detail', file, family: 'a UNet' });
  expect(report!.applied).toEqual({
    unet: [`unet.${MID}.attn1.to_q`, `unet.${MID}.ff.net.0.proj`, 'unet.mid_block.resnets.0.conv1'],
  });
  expect(report!.unused).toEqual(['unet.nowhere.to_q', 'unet.mid_block.extra']);
  for await (const event of pipe.stream('a cat', { numInferenceSteps: 1, width: 32, height: 32, outputType: 'latent' }))
    if (event.type === 'warning') warned.push(event.code);
  expect(warned).toContain('WARN_LORA_UNUSED');
});

test('changes only the components that it may', async () => {
  const layer = 'text_model.encoder.layers.0.self_attn.q_proj';
  const both = await writeLora(
    folder,
    'both',
    randomTensors({
      [`unet.${MID}.attn1.to_q.lora_A.weight`]: [2, 16],
      [`unet.${MID}.attn1.to_q.lora_B.weight`]: [16, 2],
      [`text_encoder.${layer}.lora_A.weight`]: [2, 16],
      [`text_encoder.${layer}.lora_B.weight`]: [16, 2],
    }),
  );
  const plain = await outputOf();
  const plugin = new LoraPlugin([{ file: both, components: ['text_encoder'] }]);
  await pipe.use(plugin);
  expect(plugin.reports[0]!.applied).toEqual({ text_encoder: [`text_encoder.${layer}`] });
  expect(await outputOf()).toEqual(plain);
});

describe('what cannot be used', () => {
  const text = (name: string, contents: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, contents);
    return path;
  };
  const tensorsOf = async (shapes: Readonly<Record<string, readonly number[]>>): Promise<string> =>
    writeLora(folder, 'bad', randomTensors(shapes));

  test.each<readonly [string, string, () => string | Promise<string>]>([
    [
      'a file that is cut off',
      'ERR_SAFETENSORS_TENSOR',
      () => text('cut.safetensors', readFileSync(file).subarray(0, -40)),
    ],
    [
      'a header that is cut off',
      'ERR_SAFETENSORS_HEADER',
      () => text('head.safetensors', readFileSync(file).subarray(0, 60)),
    ],
    ['a pickle', 'ERR_PICKLE_REFUSED', () => text('lora.pt', Uint8Array.of(0x80, 0x02, 0x7d, 0x71))],
    ['a file that is not there', 'ERR_FILE_NOT_FOUND', () => join(folder, 'nowhere.safetensors')],
    ['a folder without one', 'ERR_FILE_NOT_FOUND', () => folder],
    ['a checkpoint', 'ERR_LORA_FILE', () => join(testCheckpoint, 'unet', 'diffusion_pytorch_model.safetensors')],
    ['half of a layer', 'ERR_LORA_FILE', async () => tensorsOf({ 'unet.conv_in.lora_A.weight': [1, 4, 3, 3] })],
    [
      'ranks that differ',
      'ERR_LORA_FILE',
      async () => tensorsOf({ 'unet.a.lora_A.weight': [2, 16], 'unet.a.lora_B.weight': [16, 3] }),
    ],
    [
      'layers of another model',
      'ERR_LORA_NOT_APPLIED',
      async () =>
        tensorsOf({
          'lora_unet_joint_blocks_0_x.lora_down.weight': [1, 8],
          'lora_unet_joint_blocks_0_x.lora_up.weight': [8, 1],
        }),
    ],
    [
      'layers of other shapes',
      'ERR_LORA_SHAPE',
      async () =>
        tensorsOf({
          [`unet.${MID}.attn2.to_k.lora_A.weight`]: [1, 768],
          [`unet.${MID}.attn2.to_k.lora_B.weight`]: [16, 1],
        }),
    ],
    [
      'magnitudes of inputs',
      'ERR_LORA_SHAPE',
      async () =>
        tensorsOf({
          [`unet.${MID}.attn1.to_q.lora_A.weight`]: [1, 16],
          [`unet.${MID}.attn1.to_q.lora_B.weight`]: [16, 1],
          [`unet.${MID}.attn1.to_q.dora_scale`]: [1, 16],
        }),
    ],
  ])('%s: %s', async (_, code, make) => {
    const plain = await outputOf();
    expect(await refusal([{ file: await make() }])).toMatchObject({ code });
    expect(pipe.plugins).toEqual([]);
    expect(await outputOf()).toEqual(plain);
  });

  test('says for which family a LoRA was made', async () => {
    const k = (name: string): Record<string, readonly number[]> => ({
      [`${name}.lora_down.weight`]: [1, 2048],
      [`${name}.lora_up.weight`]: [16, 1],
    });
    expect(
      await refusal([{ file: await tensorsOf(k('lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k')) }]),
    ).toMatchObject({
      message: expect.stringContaining('made for Stable Diffusion XL'),
    });
    expect(
      await refusal([{ file: await tensorsOf(k(`lora_unet_${MID.replaceAll('.', '_')}_attn2_to_k`)) }]),
    ).toMatchObject({
      message: expect.stringMatching(
        /made for Stable Diffusion XL.*in UNet2DConditionModel.*is 16 × 16, and 16 × 2048 in the file/,
      ),
    });
  });

  test.each<readonly [string, unknown]>([
    ['no list', { file: 'a' }],
    ['an empty list', []],
    ['neither file nor id', [{ scale: 1 }]],
    ['both', [{ file: 'a', id: 'b/c:d' }]],
    ['two of one name', [{ file: 'a.safetensors' }, { file: 'x/a.safetensors' }]],
    ['an option that there is not', [{ file: 'a', strength: 1 }]],
    ['a scale that is none', [{ file: 'a', scale: '1' }]],
  ])('%s', (_, adapters) => {
    expect(() => new LoraPlugin(adapters as never)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }));
  });

  test('a repository in place of a file on the hub', async () => {
    expect(await refusal([{ id: 'owner/name' }])).toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  });
});

describe('what is stored or computed in eight bits', () => {
  const OTHERS: Readonly<Record<string, () => Plugin>> = {
    float8_e4m3fn: () => new LayerwiseCastingPlugin(),
    int8: () => new LayerwiseCastingPlugin({ storageDtype: 'int8' }),
    'int8 computation': () => new Int8ComputePlugin({ minimumOperations: 0, force: true }),
  };
  let merged: DiffusionPipeline;

  /** A checkpoint with the weights that are merged. */
  beforeAll(async () => {
    const fuse = await pipe.use(new LoraPlugin([{ file }], { mode: 'fuse' }));
    const { weights } = pipe.components['unet']!;
    const copy = join(folder, 'merged');
    cpSync(testCheckpoint, copy, { recursive: true });
    const path = join(copy, 'unet', 'diffusion_pytorch_model.safetensors');
    const { tensors } = await SafetensorsFile.open(path);
    const written = new Map<string, TensorToWrite>();
    for (const [key, { shape }] of tensors)
      written.set(key, { dtype: 'F32', shape, data: new Uint8Array((await readWeight(weights.find(key)!)).buffer) });
    await fuse.remove();
    await writeSafetensors(path, written);
    merged = await DiffusionPipeline.fromPretrained(copy, { deviceOptions: { inline: true, threads: 1 } });
  });
  afterAll(async () => merged.dispose());

  test.each(Object.entries(OTHERS))('%s is made of the merged weights, whoever comes first', async (_, create) => {
    const handle = await merged.use(create());
    const want = await outputOf(merged);
    await handle.remove();
    for (const plugins of [
      [new LoraPlugin([{ file }], { mode: 'fuse' }), create()],
      [create(), new LoraPlugin([{ file }], { mode: 'fuse' })],
    ]) {
      for (const plugin of plugins) await pipe.use(plugin);
      expect(await outputOf()).toEqual(want);
      for (const plugin of plugins) await pipe.remove(plugin);
    }
  });

  test.each(Object.entries(OTHERS))(
    'beside layers of %s it makes the difference that it makes beside others',
    async (_, create) => {
      const change = async (): Promise<Float32Array> => {
        const plain = await outputOf();
        // Strong, beside what eight bits lose.
        const handle = await pipe.use(new LoraPlugin([{ file, scale: 4 }]));
        const got = await outputOf();
        await handle.remove();
        expect(await outputOf()).toEqual(plain);
        return got.map((value, i) => value - plain[i]!);
      };
      const want = await change();
      await pipe.use(create());
      const got = await change();
      const size = Math.sqrt(want.reduce((total, value) => total + value ** 2, 0));
      expect(Math.sqrt(got.reduce((total, value, i) => total + (value - want[i]!) ** 2, 0))).toBeLessThan(size / 2);
    },
  );
});
