import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { CogVideoXTransformer3DModel } from '../../src/models/CogVideoXTransformer3DModel.js';
import { CogVideoXPipeline } from '../../src/pipelines/CogVideoXPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import type { FrameEvent, WarningEvent } from '../../src/run/PipelineEvent.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { RecordedNoise } from '../support/RecordedNoise.js';
import { stackTensors } from '../support/stackTensors.js';

const OPTION_OF: Readonly<Record<string, keyof GenerateOptions>> = {
  negative_prompt: 'negativePrompt',
  guidance_scale: 'guidanceScale',
  height: 'height',
  width: 'width',
  num_inference_steps: 'numInferenceSteps',
  num_frames: 'numFrames',
  max_sequence_length: 'maxSequenceLength',
  use_dynamic_cfg: 'useDynamicCfg',
};
const SMALL = { width: 64, height: 48, numInferenceSteps: 2, seed: 1 } as const;

let fixture: FixtureCase;
let pipe: CogVideoXPipeline;

beforeAll(async () => {
  fixture = await FixtureCase.open('cogvideox-tiny');
  pipe = await CogVideoXPipeline.fromPretrained(fixture.folder, { deviceOptions: { inline: true, threads: 1 } });
});
afterAll(async () => {
  await pipe.dispose();
});

function optionsOf(args: Readonly<Record<string, unknown>>): Omit<GenerateOptions, 'outputType'> {
  return Object.fromEntries(
    Object.entries(args)
      .filter(([key]) => key in OPTION_OF)
      .map(([key, value]) => [OPTION_OF[key], value]),
  ) as Omit<GenerateOptions, 'outputType'>;
}

describe.each([
  ['cogvideox-tiny', ['pipeline.video', 'pipeline.dynamic-cfg']],
  ['cogvideox-rope-tiny', ['pipeline.dpm', 'pipeline.tall']],
])('whole runs of %s are those of diffusers', (name, runs) => {
  let recorded: FixtureCase;
  let own: CogVideoXPipeline;

  beforeAll(async () => {
    recorded = await FixtureCase.open(name);
    own = await CogVideoXPipeline.fromPretrained(recorded.folder, { deviceOptions: { inline: true, threads: 1 } });
  });
  afterAll(async () => {
    await own.dispose();
  });

  /** The options of a run, its noise included. */
  async function runOf(run: string): Promise<[string, Omit<GenerateOptions, 'outputType'>, RecordedNoise]> {
    const { args, draws = [] } = recorded.call(run);
    const { latents } = await recorded.inputs(run);
    const generator = new RecordedNoise(await Promise.all(draws.map((draw) => recorded.tensor(draw))));
    return [args['prompt'] as string, { ...optionsOf(args), latents, generator }, generator];
  }

  test.each(runs)('%s: latents after every step, timesteps, and the frames', async (run) => {
    const { out } = recorded.call(run);
    const [prompt, options, noise] = await runOf(run);
    const trajectory: Tensor[] = [];
    const timesteps: bigint[] = [];
    let frames: Tensor | undefined;
    for await (const event of own.stream(prompt, { ...options, outputType: 'tensor' })) {
      if (event.type === 'step') {
        trajectory.push(await event.latents());
        timesteps.push(BigInt(event.timestep));
      }
      if (event.type === 'done') frames = event.result.frames;
    }
    expect(await recorded.excess(run, 'latents', stackTensors(trajectory))).toBeLessThanOrEqual(1);
    expect(
      await recorded.excess(run, 'timesteps', new Tensor('int64', BigInt64Array.from(timesteps), [timesteps.length])),
    ).toBe(0);
    if ('frames' in out) expect(await recorded.excess(run, 'frames', frames as Tensor)).toBeLessThanOrEqual(1);
    expect((frames as Tensor).dims).toEqual(out['frames_u8']!.shape);
    expect(noise.left).toBe(0);
  });

  test.each(runs)('%s: bytes of the frames, in order, as they are decoded', async (run) => {
    const { out } = recorded.call(run);
    const [prompt, options] = await runOf(run);
    const events: FrameEvent[] = [];
    for await (const event of own.stream(prompt, options)) {
      if (event.type === 'frame') events.push(event);
      if (event.type !== 'done') continue;
      expect(event.result.frames).toEqual([events.map(({ image }) => image)]);
      expect(event.result.images).toEqual(events.map(({ image }) => image));
    }
    const shape = out['frames_u8']!.shape;
    expect(events.map(({ index, frame }) => [index, frame])).toEqual(
      Array.from({ length: shape[1] as number }, (_, i) => [0, i]),
    );
    const bytes = new Tensor('uint8', new Uint8Array(events.flatMap(({ image }) => [...image.data])), shape);
    expect(await recorded.excess(run, 'frames_u8', bytes)).toBeLessThanOrEqual(1);
  });
});

test('several prompts are several videos, each as it is alone', async () => {
  const prompts = ['a panda', 'the sea'];
  const { frames, seeds } = await pipe.generate(prompts, { ...SMALL, numFrames: 9, seed: [3, 4] });
  expect(frames.map((video) => video.length)).toEqual([9, 9]);
  expect(seeds).toEqual([3, 4]);
  const { frames: alone } = await pipe.generate('the sea', { ...SMALL, numFrames: 9, seed: 4 });
  const differences = alone[0]!.map((image, i) =>
    image.data.reduce((most, byte, at) => Math.max(most, Math.abs(byte - frames[1]![i]!.data[at]!)), 0),
  );
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
});

test('latents are the result where they are asked for, and decode to the same frames', async () => {
  const { frames } = await pipe.generate('a panda', { ...SMALL, numFrames: 9, outputType: 'latent' });
  expect(frames.dims).toEqual([1, 3, 4, 6, 8]);
  const images = await pipe.decodeLatents(frames);
  const { frames: direct } = await pipe.generate('a panda', { ...SMALL, numFrames: 9 });
  expect(images.map(({ data }) => data)).toEqual(direct[0]!.map(({ data }) => data));
});

test('a list of guidance scales has one for each step', async () => {
  const one = await pipe.generate('a panda', { ...SMALL, numFrames: 1, guidanceScale: 5 });
  const same = await pipe.generate('a panda', { ...SMALL, numFrames: 1, guidanceScale: [5, 5] });
  const other = await pipe.generate('a panda', { ...SMALL, numFrames: 1, guidanceScale: [5, 1] });
  expect(same.frames[0]![0]!.data).toEqual(one.frames[0]![0]!.data);
  expect(other.frames[0]![0]!.data).not.toEqual(one.frames[0]![0]!.data);
});

describe('numbers of frames that the VAE does not make', () => {
  test.each([
    [1, 1, 0],
    [5, 8, 1],
    [8, 8, 0],
    [9, 9, 0],
    [10, 9, 1],
  ])('%d asked for gives %d, %d warnings', async (numFrames, given, count) => {
    const warnings: WarningEvent[] = [];
    for await (const event of pipe.stream('a panda', { ...SMALL, numFrames })) {
      if (event.type === 'warning') warnings.push(event);
      if (event.type === 'done') expect(event.result.frames![0]!.length).toBe(given);
    }
    expect(warnings.map(({ code }) => code)).toEqual(Array.from({ length: count }, () => 'WARN_FRAME_COUNT'));
    for (const { message } of warnings) expect(message).toContain(`${given} frames, not ${numFrames}`);
  });
});

test('a prompt that is too long is cut, with a warning that says what was left out', async () => {
  const warnings: string[] = [];
  for await (const event of pipe.stream('the river runs through the valley', {
    ...SMALL,
    numFrames: 1,
    maxSequenceLength: 5,
  })) {
    if (event.type === 'warning') warnings.push(event.message);
  }
  expect(warnings).toEqual([expect.stringContaining('runs through the valley')]);
});

describe('bad options are refused before anything runs', () => {
  test.each([
    ['width', { width: 72 }, /multiple of 16/],
    ['height', { height: 0 }, /multiple of 16/],
    ['numFrames', { numFrames: 0 }, /integer from 1/],
    ['numFrames', { numFrames: 2.5 }, /integer from 1/],
    ['guidanceScale', { guidanceScale: [6, 6, 6] }, /list of 2, one for each step/],
    ['guidanceScale', { guidanceScale: [] }, /list of 2/],
    ['guidanceScale', { guidanceScale: Number.NaN }, /finite number/],
    ['useDynamicCfg', { useDynamicCfg: 1 as unknown as boolean }, /true or false/],
    ['maxSequenceLength', { maxSequenceLength: 0 }, /integer from 1/],
    ['seed', { seed: [1, 2] }, /list of 1/],
    ['latents', { latents: new Tensor('float32', new Float32Array(4), [1, 1, 4, 1, 1]) }, /float32 \[1, 3, 4, 6, 8\]/],
    ['options', { clipSkip: 1 }, /numFrames/],
  ] satisfies [string, GenerateOptions<'image'>, RegExp][])('%s', async (argument, options, message) => {
    const run = pipe.generate('a panda', { ...SMALL, numFrames: 9, ...options });
    await expect(run).rejects.toEqual(
      expect.objectContaining({
        code: 'ERR_ARGUMENT_INVALID',
        message: expect.stringMatching(message),
        details: expect.objectContaining({ argument }),
      }),
    );
  });
});

describe('a run that is stopped leaves the pipeline usable', () => {
  afterEach(async () => {
    const { frames } = await pipe.generate('a panda', { ...SMALL, numFrames: 1 });
    expect(frames[0]).toHaveLength(1);
    expect((await pipe.device.usage()).tensors).toBe(0);
  });

  test('by its signal, between pieces of the decoding', async () => {
    const stop = new AbortController();
    let frames = 0;
    const read = async (): Promise<void> => {
      for await (const event of pipe.stream('a panda', { ...SMALL, numFrames: 17, signal: stop.signal })) {
        if (event.type === 'frame' && ++frames === 1) stop.abort(new RangeError('enough'));
      }
    };
    await expect(read()).rejects.toThrow('enough');
  });

  test('by its reader, who leaves after the first frame', async () => {
    let frames = 0;
    for await (const event of pipe.stream('a panda', { ...SMALL, numFrames: 17 })) {
      if (event.type === 'frame' && ++frames === 1) break;
    }
    expect(frames).toBe(1);
  });
});

test('another checkpoint is no CogVideoXPipeline', async () => {
  await expect(CogVideoXPipeline.fromPretrained(fixturePath('sd-tiny'))).rejects.toEqual(
    expect.objectContaining({
      code: 'ERR_ARGUMENT_INVALID',
      message: expect.stringContaining('StableDiffusionPipeline'),
    }),
  );
});

describe('a transformer that is loaded by itself', () => {
  test("takes the place of the checkpoint's", async () => {
    const transformer = await CogVideoXTransformer3DModel.fromPretrained(fixture.folder, {
      subfolder: 'transformer',
      dtype: 'float32',
    });
    await using other = await CogVideoXPipeline.fromPretrained(fixture.folder, {
      components: { transformer },
      deviceOptions: { inline: true, threads: 1 },
    });
    const [ours, theirs] = [
      await pipe.generate('a panda', { ...SMALL, numFrames: 1 }),
      await other.generate('a panda', { ...SMALL, numFrames: 1 }),
    ];
    expect(theirs.frames[0]![0]!.data).toEqual(ours.frames[0]![0]!.data);
  });

  test('in another type than asked for is used as it is, with a warning', async () => {
    const transformer = await CogVideoXTransformer3DModel.fromPretrained(fixture.folder, {
      subfolder: 'transformer',
      dtype: 'float16',
    });
    const warnings: string[] = [];
    await using other = await CogVideoXPipeline.fromPretrained(fixture.folder, {
      components: { transformer },
      deviceOptions: { inline: true, threads: 1 },
      onProgress: (event) => event.type === 'warning' && warnings.push(event.message),
    });
    expect(warnings).toEqual([expect.stringMatching(/transformer .* stored as F32, not as float16/)]);
    expect((await other.generate('a panda', { ...SMALL, numFrames: 1 })).frames[0]).toHaveLength(1);
  });

  test.each([
    ['another class', { subfolder: 'vae' }, 'ERR_ARGUMENT_INVALID', /not a AutoencoderKLCogVideoX/],
    [
      'a type that is none',
      { subfolder: 'transformer', dtype: 'float8' as 'float16' },
      'ERR_ARGUMENT_INVALID',
      /one of float32, float16, bfloat16/,
    ],
    ['a folder that is not there', { subfolder: 'none' }, 'ERR_FILE_NOT_FOUND', /none/],
  ] as const)('is refused: %s', async (_, options, code, message) => {
    await expect(CogVideoXTransformer3DModel.fromPretrained(fixture.folder, options)).rejects.toEqual(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
