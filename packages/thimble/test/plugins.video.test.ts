import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { CogVideoXPipeline, type PluginHandle } from '@thimble/core';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';
import { distance, type PluginKind, pluginKinds } from './support/PluginKind.js';
import { rememberSessions } from './support/rememberSessions.js';
import { temporaryFolder } from './support/temporaryFolder.js';

jest.setTimeout(240_000);

const folder = temporaryFolder();
/** Videos are not computed in strips; whether blended tiles are those of diffusers is tested with the plugin. */
const KINDS: Readonly<Record<string, PluginKind>> = {
  ...pluginKinds(folder),
  tiling: { create: () => new VaeTilingPlugin(), tolerance: 0 },
};
const NAMES = Object.keys(KINDS);
/** What changes videos, and by how much at most on average (values 0 to 1), at these random weights. */
const CHANGING: Readonly<Record<string, number>> = { tiling: 0.05, fp8: 0.05, int8: 0.005, 'int8 computation': 0.05 };
const SETS: readonly (readonly [what: string, names: readonly string[]])[] = [
  ['sequential offload, fp8 and tiling', ['sequential offload', 'fp8', 'tiling']],
  [
    'all that can be together',
    ['sequential offload', 'slicing', 'tiling', 'int8', 'flash attention', 'channels last', 'tracing'],
  ],
  ['all others together', ['model offload', 'slicing', 'tiling', 'fp8', 'sliced attention', 'tracing']],
];

describe.each(['cogvideox-tiny', 'cogvideox-rope-tiny'])('%s', (name) => {
  let pipe: CogVideoXPipeline;
  let plain: Float32Array;

  beforeAll(async () => {
    rememberSessions();
    process.env['THIMBLE_CACHE'] = `${folder}/cache`;
    pipe = await CogVideoXPipeline.fromPretrained(
      fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url)),
      { deviceOptions: { inline: true, threads: 1 } },
    );
    plain = await video();
  });
  afterAll(async () => {
    await pipe.dispose();
    jest.restoreAllMocks();
    delete process.env['THIMBLE_CACHE'];
  });

  /** Two, so that slicing has something to do; of 17 frames, so that the second piece of each needs what the first left. */
  async function video(): Promise<Float32Array> {
    return (
      await pipe.generate(['a red fox', 'the sea'], {
        width: 64,
        height: 48,
        numFrames: 17,
        numInferenceSteps: 1,
        seed: 7,
        outputType: 'tensor',
      })
    ).frames.data as Float32Array;
  }

  /** Those that several tests are held against. */
  const made = new Map<string, Promise<Float32Array>>();

  async function videoWith(names: readonly string[]): Promise<Float32Array> {
    const handles: PluginHandle[] = [];
    for (const each of names) handles.push(await pipe.use(KINDS[each]!.create()));
    try {
      return await video();
    } finally {
      for (const handle of handles) await handle.remove();
    }
  }

  /** As {@link videoWith}, made once. */
  async function knownVideoWith(names: readonly string[]): Promise<Float32Array> {
    const key = names.toSorted().join();
    const known = made.get(key) ?? videoWith(names);
    made.set(key, known);
    return known;
  }

  async function checkThatNothingIsLeft(): Promise<void> {
    expect(pipe.plugins).toEqual([]);
    expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
    expect((await pipe.device.usage()).tensors).toBe(0);
  }

  // Positions are all that the second one has otherwise; it is held against one of the sets below.
  const isFirst = name === 'cogvideox-tiny';
  const alone = isFirst ? NAMES : ['flash attention'];
  test.each(alone)('%s: the same video, and nothing is left of it', async (kind) => {
    const given = await knownVideoWith([kind]);
    const most = CHANGING[kind];
    if (most === undefined) expect(distance(given, plain)).toBeLessThanOrEqual(KINDS[kind]!.tolerance);
    else {
      expect(meanDistance(given, plain)).toBeGreaterThan(1e-5);
      expect(meanDistance(given, plain)).toBeLessThan(most);
    }
    await checkThatNothingIsLeft();
  });

  test.each(isFirst ? SETS : SETS.slice(1, 2))('%s: as those alone that change the video', async (_what, names) => {
    const [changing, others] = [names.filter((each) => each in CHANGING), names.filter((each) => !(each in CHANGING))];
    const [together, alone] = [await videoWith(names), await knownVideoWith(changing)];
    expect(distance(together, alone)).toBeLessThanOrEqual(
      others.reduce((sum, each) => sum + KINDS[each]!.tolerance, 0),
    );
    await checkThatNothingIsLeft();
  });

  // One video for all: a trace of any of them would show in it.
  test('without them it is the very same video again', async () => {
    expect(await video()).toEqual(plain);
  });
});

function meanDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + Math.abs(x - b[i]!), 0) / a.length;
}
