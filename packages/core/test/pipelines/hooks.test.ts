import { afterEach, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { hookNames, type Hooks } from '../../src/hooks/manifest.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { concatBatch, splitBatch } from '../../src/execution/batch.js';
import { fixturePath } from '../support/fixturePath.js';

const TINY = { width: 64, height: 64, numInferenceSteps: 2, seed: 1 };
let pipe: DiffusionPipeline;

async function open(): Promise<DiffusionPipeline> {
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
    deviceOptions: { inline: true, threads: 1 },
  });
  return pipe;
}

afterEach(async () => {
  await pipe.dispose();
});

/** Taps every hook and notes what is called. */
function record(hooks: Hooks, skip: readonly string[] = []): string[] {
  const calls: string[] = [];
  for (const name of hookNames) {
    if (skip.includes(name)) continue;
    hooks[name].tap('recorder', (context: unknown) => {
      const { component, entry, segment, index } = context as {
        component?: string;
        entry?: string;
        segment?: string;
        index?: number;
      };
      const detail = [component, entry, segment, name.endsWith('Step') ? index : undefined]
        .filter((part) => part !== undefined)
        .join(' ');
      calls.push(detail === '' ? name : `${name} ${detail}`);
      return undefined;
    });
  }
  return calls;
}

describe('the hooks of one run', () => {
  test('are called in this order', async () => {
    const calls = record((await open()).hooks, [
      'transformWeights',
      'transformGraph',
      'prepareSegment',
      'beforeSegment',
      'afterSegment',
    ]);
    await pipe.generate('a cat', TINY);
    const model = (name: string, entry = 'call'): string[] => [
      `beforeModelCall ${name} ${entry}`,
      `afterModelCall ${name} ${entry}`,
    ];
    expect(calls).toEqual([
      'beforeRun',
      'encodePrompt text_encoder',
      ...model('text_encoder'),
      'encodePrompt text_encoder',
      ...model('text_encoder'),
      'beforeStep 0',
      ...model('unet'),
      'afterStep 0',
      'beforeStep 1',
      ...model('unet'),
      'afterStep 1',
      'beforeDecode vae',
      ...model('vae', 'decode'),
      'afterDecode vae',
      'afterRun',
    ]);
  });

  test('surround every segment, in the order of diffusers submodules', async () => {
    const calls = record((await open()).hooks);
    await pipe.generate('a cat', { ...TINY, numInferenceSteps: 1, guidanceScale: 1 });
    const segments = calls.filter((call) => call.startsWith('beforeSegment unet')).map((call) => call.split(' ')[2]);
    expect(segments).toEqual([
      'time_embedding',
      'conv_in',
      'down_blocks.0.resnets.0',
      'down_blocks.0.attentions.0',
      'down_blocks.0.resnets.1',
      'down_blocks.0.attentions.1',
      'down_blocks.0.downsamplers.0',
      'down_blocks.1.resnets.0',
      'down_blocks.1.attentions.0',
      'down_blocks.1.resnets.1',
      'down_blocks.1.attentions.1',
      'down_blocks.1.downsamplers.0',
      'down_blocks.2.resnets.0',
      'down_blocks.2.resnets.1',
      'mid_block.resnets.0',
      'mid_block.attentions.0',
      'mid_block.resnets.1',
      'up_blocks.0.resnets.0',
      'up_blocks.0.resnets.1',
      'up_blocks.0.resnets.2',
      'up_blocks.0.upsamplers.0',
      'up_blocks.1.resnets.0',
      'up_blocks.1.attentions.0',
      'up_blocks.1.resnets.1',
      'up_blocks.1.attentions.1',
      'up_blocks.1.resnets.2',
      'up_blocks.1.attentions.2',
      'up_blocks.1.upsamplers.0',
      'up_blocks.2.resnets.0',
      'up_blocks.2.attentions.0',
      'up_blocks.2.resnets.1',
      'up_blocks.2.attentions.1',
      'up_blocks.2.resnets.2',
      'up_blocks.2.attentions.2',
      'conv_out',
    ]);
    const unet = calls.slice(calls.indexOf('beforeModelCall unet call'), calls.indexOf('afterModelCall unet call'));
    expect(segments.map((name) => calls.filter((call) => call === `prepareSegment unet ${name}`).length)).toEqual(
      segments.map(() => 1),
    );
    for (const name of segments)
      expect(unet[unet.indexOf(`beforeSegment unet ${name}`) + 1]).toBe(`prepareSegment unet ${name}`);
    const around = unet.filter((call) => /^(before|after)Segment/.test(call));
    for (let i = 0; i < around.length; i += 2) expect(around[i + 1]).toBe(around[i]?.replace('before', 'after'));
  });

  test('give the same picture, segment by segment or in one message', async () => {
    await open();
    const whole = await pipe.generate('a cat', TINY);
    const taps = record(pipe.hooks);
    const hooked = await pipe.generate('a cat', TINY);
    expect(taps.length).toBeGreaterThan(100);
    expect(Buffer.compare(hooked.images[0]!.data, whole.images[0]!.data)).toBe(0);
    expect((await pipe.device.usage()).tensors).toBe(0);
  });

  test('end with failed and afterRun when a tap throws, with the tap to blame', async () => {
    const calls = record((await open()).hooks, ['transformWeights', 'transformGraph', 'beforeSegment', 'afterSegment']);
    pipe.hooks.afterStep.tap('trouble-maker', () => {
      throw new Error('boom');
    });
    await expect(pipe.generate('a cat', TINY)).rejects.toMatchObject({
      code: 'ERR_PLUGIN_HOOK',
      details: { plugin: 'trouble-maker', hook: 'afterStep' },
    });
    expect(calls.slice(-3)).toEqual(['afterStep 0', 'failed', 'afterRun']);
  });
});

describe('a tap', () => {
  test('skips a model call by giving its outputs', async () => {
    await open();
    let asked = 0;
    pipe.hooks.beforeModelCall.tap('still', (call) => {
      if (call.component !== 'unet') return;
      asked++;
      const { sample } = call.inputs;
      call.outputs = { sample: new Tensor('float32', new Float32Array(sample!.size), sample!.dims) };
    });
    await pipe.generate('a cat', TINY);
    expect(asked).toBe(2);
    expect(pipe.components['unet']?.loaded).toBe(false);
  });

  test('wraps decoding: the batch is split and joined inside one model call', async () => {
    await open();
    const plain = await pipe.generate('a cat', { ...TINY, numImagesPerPrompt: 3 });
    const sizes: number[] = [];
    let calls = 0;
    pipe.hooks.beforeDecode.tap('slices', (call) =>
      call.wrap((next) => async (z) => {
        const parts: Tensor[] = [];
        for (const slice of splitBatch(z)) {
          sizes.push(slice.dims[0] as number);
          parts.push(await next(slice));
        }
        return concatBatch(parts);
      }),
    );
    pipe.hooks.beforeModelCall.tap('counter', (call) => {
      if (call.entry === 'decode') calls++;
    });
    const sliced = await pipe.generate('a cat', { ...TINY, numImagesPerPrompt: 3 });
    expect(sizes).toEqual([1, 1, 1]);
    expect(calls).toBe(1);
    // Kernels may add up in another order in a batch: what is nearly the same may be rounded to the next byte.
    const differences = sliced.images.map(({ data }, image) =>
      data.reduce((most, byte, i) => Math.max(most, Math.abs(byte - plain.images[image]!.data[i]!)), 0),
    );
    expect(differences).toHaveLength(3);
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  });

  test('changes the latents of a step', async () => {
    await open();
    const plain = await pipe.generate('a cat', { ...TINY, outputType: 'latent' });
    pipe.hooks.afterStep.tap('zero', (step) => {
      step.latents = new Tensor('float32', new Float32Array(step.latents.size), step.latents.dims);
    });
    const zeroed = await pipe.generate('a cat', { ...TINY, outputType: 'latent' });
    expect((plain.images.data as Float32Array).some((x) => x !== 0)).toBe(true);
    expect((zeroed.images.data as Float32Array).every((x) => x === 0)).toBe(true);
  });

  test('of transformGraph makes the graphs anew, and its removal restores the output bit for bit', async () => {
    await open();
    const options = { ...TINY, outputType: 'latent' as const };
    const before = await pipe.generate('a cat', options);
    const tap = pipe.hooks.transformGraph.tap('no-bias', (graph, { segment }) => {
      if (segment !== 'conv_out') return graph;
      return graph.with({
        nodes: graph.nodes.map((node) => (node.op === 'Conv' ? { ...node, inputs: node.inputs.slice(0, 2) } : node)),
      });
    });
    const changed = await pipe.generate('a cat', options);
    tap[Symbol.dispose]();
    const after = await pipe.generate('a cat', options);
    expect([...(changed.images.data as Float32Array)]).not.toEqual([...(before.images.data as Float32Array)]);
    expect([...(after.images.data as Float32Array)]).toEqual([...(before.images.data as Float32Array)]);
  });
});
