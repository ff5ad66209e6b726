import { fileURLToPath } from 'node:url';
import { DiffusionPipeline, type FromPretrainedOptions, type Plugin, ThimbleError } from '@thimble/core';
import { checkMembers, DEVICES, freezeShapes } from '@thimble/core/plugin';
import { FakeDevice } from './FakeDevice.js';

/** Where a test pipeline computes. */
export type TestDevice = 'process' | 'inline' | 'fake';

/** Options of {@link createTestPipeline}: those of `DiffusionPipeline.fromPretrained` that a test may want, and the device. */
export interface TestPipelineOptions extends Pick<
  FromPretrainedOptions,
  'components' | 'memoryLimit' | 'plugins' | 'dtype' | 'signal' | 'onProgress'
> {
  /**
   * `process` (default): ONNX Runtime in a child process, as users have it; starts in a fraction of a second. `inline`: in this process; the fastest real
   * one, but not under jest, whose sandbox has typed arrays of its own. `fake`: a {@link FakeDevice}, for tests of hooks alone.
   */
  readonly device?: TestDevice | undefined;
}

const FAKE = 'thimble-testkit-fake';

/**
 * A pipeline over {@link testCheckpoint}: text encoder, UNet with guidance and VAE, all real and tiny, computed by one thread, for which a pool costs more
 * than it gains. Dispose it when the test ends.
 *
 * @throws ThimbleError ERR_ARGUMENT_INVALID for another device; what `DiffusionPipeline.fromPretrained` throws
 */
export async function createTestPipeline(given: TestPipelineOptions = {}): Promise<DiffusionPipeline> {
  checkMembers('options', given, 'options, or nothing', []);
  const { device = 'process', plugins = [], ...options } = given;
  switch (device) {
    case 'process':
      return DiffusionPipeline.fromPretrained(testCheckpoint, { ...options, plugins, deviceOptions: { threads: 1 } });
    case 'inline':
      return DiffusionPipeline.fromPretrained(testCheckpoint, {
        ...options,
        plugins,
        deviceOptions: { inline: true, threads: 1 },
      });
    case 'fake':
      return openWithFakeDevice(plugins, options);
    default:
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'device',
        value: device,
        expected: "'process', 'inline' or 'fake'",
      });
  }
}

/**
 * The device is made by a plugin, which has done its work once the pipeline is open. A tap of its own stays: it writes the sizes into the graphs, which is
 * where a fake device knows them from.
 */
async function openWithFakeDevice(
  plugins: readonly Plugin[],
  options: FromPretrainedOptions,
): Promise<DiffusionPipeline> {
  const fake: Plugin = {
    name: 'thimble-testkit:fake-device',
    apply: (ctx) => void ctx.provide(DEVICES, { [FAKE]: () => new FakeDevice() }),
  };
  const pipe = await DiffusionPipeline.fromPretrained(testCheckpoint, {
    ...options,
    plugins: [fake, ...plugins],
    device: FAKE,
  });
  await pipe.remove(fake);
  pipe.hooks.transformGraph.tap({ name: fake.name, stage: Number.MAX_SAFE_INTEGER }, freezeShapes);
  return pipe;
}

/** Options of a short run of a test pipeline: two steps with guidance, 64×64 pixels, as one float32 tensor [n, 3, 64, 64]; always the same picture. */
export const testRun = { numInferenceSteps: 2, guidanceScale: 7.5, seed: 1, outputType: 'tensor' } as const;

/**
 * The folder of a complete Stable Diffusion checkpoint in diffusers' layout with some 170,000 random weights (float32, 0.7 MB): its pictures are noise, 64×64
 * by default, and a step takes milliseconds. Read only.
 */
export const testCheckpoint: string = fileURLToPath(new URL('../checkpoint', import.meta.url));
