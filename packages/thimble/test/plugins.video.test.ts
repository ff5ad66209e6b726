import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { CogVideoXPipeline, type PluginHandle } from '@thimble/core';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';
import { distance, type PluginKind, pluginKinds } from './support/PluginKind.js';
import { temporaryFolder } from './support/temporaryFolder.js';

jest.setTimeout(240_000);

const folder = temporaryFolder();
/** Videos are not computed in strips, and their blended tiles differ from the whole. */
const KINDS: Readonly<Record<string, PluginKind>> = { ...pluginKinds(folder), tiling: { create: () => new VaeTilingPlugin(), tolerance: 0.35 } };
const NAMES = Object.keys(KINDS);
/** What changes videos, so that a plugin that does nothing is found out. */
const CHANGING = ['tiling', 'fp8', 'int8'];

describe.each(['cogvideox-tiny', 'cogvideox-rope-tiny'])('%s', (name) => {
  let pipe: CogVideoXPipeline;
  let plain: Float32Array;

  beforeAll(async () => {
    process.env['THIMBLE_CACHE'] = `${folder}/cache`;
    pipe = await CogVideoXPipeline.fromPretrained(fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url)), { deviceOptions: { inline: true } });
    plain = await video();
  });
  afterAll(async () => {
    await pipe.dispose();
    delete process.env['THIMBLE_CACHE'];
  });

  /** Two, so that slicing has something to do; of 17 frames, so that the second piece of each needs what the first left. */
  async function video(): Promise<Float32Array> {
    return (await pipe.generate(['a red fox', 'the sea'], { width: 64, height: 48, numFrames: 17, numInferenceSteps: 2, seed: 7, outputType: 'tensor' })).frames.data as Float32Array;
  }

  async function videoWith(names: readonly string[]): Promise<Float32Array> {
    const handles: PluginHandle[] = [];
    for (const each of names) handles.push(await pipe.use(KINDS[each]!.create()));
    try {
      return await video();
    } finally {
      for (const handle of handles) await handle.remove();
    }
  }

  async function checkThatNothingIsLeft(): Promise<void> {
    expect(pipe.plugins).toEqual([]);
    expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
    expect(await video()).toEqual(plain);
    expect((await pipe.device.usage()).tensors).toBe(0);
  }

  test.each(NAMES)('%s: the same video, and the very same without it again', async (kind) => {
    const made = await videoWith([kind]);
    expect(distance(made, plain)).toBeLessThanOrEqual(KINDS[kind]!.tolerance);
    if (CHANGING.includes(kind)) expect(distance(made, plain)).toBeGreaterThan(1e-4);
    await checkThatNothingIsLeft();
  });

  test.each([
    ['sequential offload, fp8 and tiling', ['sequential offload', 'fp8', 'tiling'], ['fp8', 'tiling']],
    ['all that can be together', ['sequential offload', 'slicing', 'tiling', 'int8', 'flash attention', 'channels last', 'tracing'], ['int8', 'tiling']],
  ])('%s: as those alone that change the video', async (_what, names, changing) => {
    const [together, alone] = [await videoWith(names), await videoWith(changing)];
    const others = names.filter((each) => !changing.includes(each));
    expect(distance(together, alone)).toBeLessThanOrEqual(others.reduce((sum, each) => sum + KINDS[each]!.tolerance, 0));
    await checkThatNothingIsLeft();
  });
});
