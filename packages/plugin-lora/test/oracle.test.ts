import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type Tensor } from '@thimble/core';
import { type LoraAdapterOptions, LoraPlugin, type LoraScale } from '../src/index.js';
import { FIXTURES, type LoraCall, LoraFixture } from './LoraFixture.js';

const fixture = new LoraFixture('lora');
const more = new LoraFixture('lora-more');
const cache = mkdtempSync(join(tmpdir(), 'thimble-lora-'));
const pipes = new Map<string, DiffusionPipeline>();

/** What diffusers loses part of: other calls have what the file means. */
const LOST = new Set([
  'sd.unet.some-alpha',
  'sd.text_encoder.some-alpha',
  'sd.unet.dora-kohya',
  'sd.text_encoder.dora-kohya',
]);

/** The same as another call at another scale, or as one of two LoRAs: left out to save time. */
const SAID_TWICE = /^(?:unet|text_encoder)\.(?:peft\.0\.5|kohya\.1\.0)$|^sd\.\w+\.(?:locon\.scaled|no-alpha|fused)$/;

/** Calls whose layers are merged too: of each formula one. */
const FUSED = new Set([
  'unet.kohya.0.5',
  'text_encoder.peft.1.0',
  'sd.unet.two',
  'sd.unet.locon.blocks',
  'sd.unet.locon-mid.definition',
  'sd.unet.dora-kohya.definition',
  'sd.text_encoder.dora-kohya.definition',
  'sdxl.unet.kohya',
]);

beforeAll(async () => {
  process.env['THIMBLE_CACHE'] = cache;
  for (const name of ['sd', 'sdxl'])
    pipes.set(
      name,
      await DiffusionPipeline.fromPretrained(`${FIXTURES}${name}-tiny`, {
        deviceOptions: { inline: true, threads: 1 },
      }),
    );
});
afterAll(async () => {
  for (const pipe of pipes.values()) await pipe.dispose();
  delete process.env['THIMBLE_CACHE'];
  rmSync(cache, { recursive: true, force: true });
});

function pipeOf({ name }: LoraCall): DiffusionPipeline {
  return pipes.get(name.startsWith('sdxl.') ? 'sdxl' : 'sd')!;
}

function componentOf({ name }: LoraCall): string {
  return /\b(unet|text_encoder(?:_2)?)\./.exec(name)![1]!;
}

function adaptersOf(of: LoraFixture, { args }: LoraCall): LoraAdapterOptions[] {
  const { file, files = [file!], weights = [args.scale ?? 1], lora_scale: times = 1 } = args;
  return files.map((each, at) => ({ file: of.file(each), scale: timesScale(weights[at] ?? 1, times) }));
}

function timesScale(scale: LoraScale, times: number): LoraScale {
  return typeof scale === 'number' ? scale * times : scale;
}

/** Calls of models with LoRAs. */
function callsOf(of: LoraFixture): readonly (readonly [string, LoraFixture, LoraCall])[] {
  return of.calls
    .filter(({ name, args }) => (args.file ?? args.files) !== undefined && !LOST.has(name) && !SAID_TWICE.test(name))
    .filter(({ out }) => Object.keys(out).some((name) => name === 'sample' || name === 'last_hidden_state'))
    .map((call) => [call.name, of, call] as const);
}

const CALLS = [...callsOf(fixture), ...callsOf(more)];

test('each kind of call of the fixtures is there', () => {
  expect(CALLS.map(([name]) => name)).toEqual([
    ...['peft.1.0', 'kohya.0.5'].flatMap((name) => [`unet.${name}`, `text_encoder.${name}`]),
    ...['locon', 'locon.blocks', 'some-alpha.definition', 'two'].flatMap((name) => [
      `sd.unet.${name}`,
      `sd.text_encoder.${name}`,
    ]),
    'sd.unet.lcm',
    'sd.unet.locon-mid.definition',
    'sd.unet.dora-kohya.definition',
    'sd.text_encoder.dora-kohya.definition',
    'sd.unet.dora-peft',
    'sdxl.unet.kohya',
    'sdxl.text_encoder.kohya',
    'sdxl.text_encoder_2.kohya',
    'sdxl.unet.lcm',
  ]);
});

describe.each([
  ['beside the layers', 'branch' as const, CALLS],
  ['merged', 'fuse' as const, CALLS.filter(([name]) => FUSED.has(name))],
])('%s', (_, mode, calls) => {
  test.each(calls)('%s', async (_name, of, call) => {
    const pipe = pipeOf(call);
    const component = pipe.components[componentOf(call)]!;
    const inputs = await of.inputsOf(call);
    const plugin = await pipe.use(new LoraPlugin(adaptersOf(of, call), { mode }));
    const got = await component.call(inputs);
    await plugin.remove();
    for (const name of Object.keys(call.out).filter((each) => got[each] !== undefined))
      expect(await of.excess(call, name, got[name] as Tensor)).toBeLessThanOrEqual(1);
  });
});

test('what the tolerances are held for is far outside of them without a LoRA', async () => {
  const call = more.call('sd.unet.locon');
  const { sample } = await pipeOf(call).components['unet']!.call(await more.inputsOf(call));
  expect(await more.excess(call, 'sample', sample as Tensor)).toBeGreaterThan(100);
});

test.each(['sd.pipeline.locon', 'sdxl.pipeline.kohya'])('%s', async (name) => {
  const call = more.call(name);
  const { prompt, negative_prompt, num_inference_steps, guidance_scale, height, width, cross_attention_kwargs } =
    call.args as Record<string, unknown> & { prompt: string; cross_attention_kwargs?: { scale: number } };
  const { file, weight } = call.lora!['a']!;
  const pipe = pipeOf(call);
  const scale = weight * (cross_attention_kwargs?.scale ?? 1);
  const plugin = await pipe.use(new LoraPlugin([{ file: more.file(file), scale }]));
  const { images } = await pipe.generate(prompt, {
    height: height as number,
    width: width as number,
    negativePrompt: negative_prompt as string,
    numInferenceSteps: num_inference_steps as number,
    guidanceScale: guidance_scale as number,
    latents: await more.read(call.in['latents']!),
    outputType: 'latent',
  });
  await plugin.remove();
  expect(await more.excess(call, 'latents', images)).toBeLessThanOrEqual(1);
});
