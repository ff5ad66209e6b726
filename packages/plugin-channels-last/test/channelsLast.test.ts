import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';
import { DiffusionPipeline } from '@thimble/core';
import { type SegmentPreparation } from '@thimble/core/plugin';
import { ChannelsLastPlugin, type ChannelsLastOptions } from '../src/index.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));
let pipe: DiffusionPipeline;

afterEach(async () => {
  await pipe?.dispose();
});

async function open(
  model = 'sd-tiny',
  options: Parameters<typeof DiffusionPipeline.fromPretrained>[1] = {},
): Promise<DiffusionPipeline> {
  pipe = await DiffusionPipeline.fromPretrained(fixture(model), {
    deviceOptions: { inline: true, threads: 1 },
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

test.each(['sd-tiny', 'sd-tiny-f16', 'sd2-tiny'])(
  '%s: the same picture within tolerance, and the same bits once it is removed',
  async (model) => {
    await open(model, model === 'sd-tiny-f16' ? { variant: 'fp16' } : {});
    const plain = await picture();
    const plugin = await pipe.use(new ChannelsLastPlugin());
    const prepared: SegmentPreparation[] = [];
    using watching = pipe.hooks.prepareSegment.tap('watch', (segment) => void prepared.push(segment));
    void watching;
    expect(distance(await picture(), plain)).toBeLessThan(5e-5);
    const modes = (component: string, part: string): unknown[] => [
      ...new Set(
        prepared
          .filter(({ component: name, segment }) => name === component && segment.includes(part))
          .map(({ model: { mode } }) => mode),
      ),
    ];
    expect([
      modes('unet', 'resnets'),
      modes('unet', 'attentions'),
      modes('text_encoder', ''),
      modes('vae', 'resnets'),
    ]).toEqual([['channels_last'], ['mapped'], ['mapped'], ['channels_last']]);
    await plugin.remove();
    expect(await picture()).toEqual(plain);
  },
);

test('shows in the strides of convolutions, as in torch', async () => {
  await open('sd-tiny');
  const unet = pipe.components['unet']!;
  expect(unet.layout('conv_out.weight')).toEqual({
    shape: [4, 24, 3, 3],
    strides: [216, 9, 3, 1],
    memoryFormat: 'contiguous',
    kernelLayout: 'NCHW',
  });
  const plugin = await pipe.use(new ChannelsLastPlugin());
  expect(unet.layout('conv_out.weight')).toEqual({
    shape: [4, 24, 3, 3],
    strides: [216, 1, 72, 24],
    memoryFormat: 'channels_last',
    kernelLayout: 'NCHWc',
  });
  expect(unet.layout('conv_out.bias').strides).toEqual([1]);
  expect(unet.layout('down_blocks.0.attentions.0.proj_in.weight')).toMatchObject({ memoryFormat: 'contiguous' });
  await plugin.remove();
  expect(unet.layout('conv_out.weight').strides).toEqual([216, 9, 3, 1]);
  expect(() => unet.layout('conv_out.wait')).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }));
});

test('touches only the components that are named', async () => {
  await open();
  await pipe.use(new ChannelsLastPlugin({ components: ['unet'] }));
  expect(pipe.components['unet']!.layout('conv_in.weight').memoryFormat).toBe('channels_last');
  expect(pipe.components['vae']!.layout('decoder.conv_in.weight').memoryFormat).toBe('contiguous');
});

test('refuses components that are no list', () => {
  expect(() => new ChannelsLastPlugin({ components: 'unet' } as unknown as ChannelsLastOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
  );
});
