import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type DiffusionPipeline, Tensor } from '@thimble/core';
import { LoraPlugin } from '@thimble/plugin-lora';
import { createTestPipeline, testCheckpoint } from '@thimble/plugin-testkit';
import { adapterKinds } from './support/adapterKinds.js';
import { distance, type PluginKind, pluginKinds } from './support/PluginKind.js';
import { expectedOf, largeSets, pairsOf } from './support/PluginSet.js';
import { rememberSessions } from './support/rememberSessions.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { writeTinyLora } from './support/writeTinyLora.js';

// Every plugin beside every other one, held against one another by the bytes of all programs that a run loads, on the smallest checkpoint.
// `npm run test:matrix` does it with pictures of a checkpoint whose UNet has all kinds of blocks.
jest.setTimeout(120_000);

const folder = temporaryFolder();
const LORA = `${folder}/lora.safetensors`;
const all = { ...pluginKinds(folder), ...(await adapterKinds(folder, testCheckpoint, 16)) };
const KINDS: Readonly<Record<string, PluginKind>> = {
  ...all,
  // What its README tells; elsewhere the checkpoint is another one.
  'int8 computation': { ...all['int8 computation']!, tolerance: 0.6 },
  lora: { create: () => new LoraPlugin([{ file: LORA }]), tolerance: 0.05 },
};
const NAMES = Object.keys(KINDS);

/** What changes prompts alone: beside all others at once is enough. */
const WORDS = ['textual inversion'];

/** What a run loads and gives. */
interface Trial {
  /** Segment and hash of each program, sorted. */
  readonly programs: readonly string[];
  readonly picture: Float32Array;
}

/** A call of each component, as a run makes it. */
const CALLS: readonly (readonly [string, string, Readonly<Record<string, Tensor>>])[] = [
  ['text_encoder', 'call', { input_ids: new Tensor('int64', new BigInt64Array(77), [1, 77]) }],
  [
    'unet',
    'call',
    {
      sample: zeros(4, 4, 6, 8),
      timestep: new Tensor('int64', BigInt64Array.of(1n), [1]),
      encoder_hidden_states: zeros(4, 77, 16),
    },
  ],
  ['vae', 'decode', { z: zeros(2, 4, 6, 8) }],
];

function zeros(...dims: readonly number[]): Tensor {
  return new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
}

const loaded = new Set<string>();
let pipe: DiffusionPipeline;
let plain: Trial;
let plainCompiled: readonly string[];
const alone = new Map<string, Trial>();
/** The programs that each one's components would load. */
const aloneCompiled = new Map<string, readonly string[]>();

beforeAll(async () => {
  process.env['THIMBLE_CACHE'] = `${folder}/cache`;
  await writeTinyLora(LORA);
  rememberSessions(({ name, mode }, hash) => loaded.add(`${name} ${mode ?? ''} ${hash}`));
  pipe = await createTestPipeline({ device: 'inline' });
  plain = await trial();
  plainCompiled = await compiled();
  for (const name of NAMES)
    alone.set(name, await trialWith([name], async () => void aloneCompiled.set(name, await compiled())));
});
afterAll(async () => {
  await pipe.dispose();
  jest.restoreAllMocks();
  delete process.env['THIMBLE_CACHE'];
});

async function trial(): Promise<Trial> {
  for (const component of Object.values(pipe.components)) await component.unload();
  loaded.clear();
  const { images } = await pipe.generate(['a red fox', 'a cat'], {
    width: 64,
    height: 48,
    numInferenceSteps: 1,
    seed: 7,
    outputType: 'tensor',
  });
  return { programs: [...loaded].sort(), picture: images.data as Float32Array };
}

async function trialWith(names: readonly string[], afterwards?: () => Promise<void>): Promise<Trial> {
  const handles = [];
  for (const name of names) handles.push(await pipe.use(KINDS[name]!.create()));
  try {
    const made = await trial();
    await afterwards?.();
    return made;
  } finally {
    for (const handle of handles) await handle.remove();
  }
}

/** Hash of each program that the components would load now, without a run. */
async function compiled(): Promise<readonly string[]> {
  const hashes: string[] = [];
  for (const [name, entry, inputs] of CALLS)
    for (const [segment, { model }] of (await pipe.components[name]!.freeze(entry, inputs)).programs)
      hashes.push(`${segment} ${createHash('sha256').update(model.bytes).digest('hex')}`);
  return hashes;
}

/** Whose taps there are. */
function tapped(): readonly (string | undefined)[] {
  return Object.values(pipe.hooks).flatMap((hook) => hook.owners().map(({ plugin }) => plugin));
}

async function expectNothingLeft(): Promise<void> {
  expect(pipe.plugins).toEqual([]);
  expect(tapped()).toEqual([]);
  expect(await compiled()).toEqual(plainCompiled);
}

function expectRightPicture(names: readonly string[], { picture }: Trial): void {
  const pictures = new Map(
    [...alone].filter(([name]) => KINDS[name]!.storage ?? KINDS[name]!.own).map(([name, made]) => [name, made.picture]),
  );
  const { reference, tolerance } = expectedOf(names, KINDS, { plain: plain.picture, alone: pictures });
  expect(distance(picture, reference)).toBeLessThanOrEqual(tolerance);
}

test('a run without plugins loads one program for each segment, always the same', async () => {
  const segments = Object.values(pipe.components).flatMap(({ segments: listed }) => listed);
  expect(plain.programs.length).toBeGreaterThanOrEqual(segments.length / 2);
  expect(await trial()).toEqual(plain);
});

test('what changes graphs loads other programs', () => {
  const same = NAMES.filter((name) => alone.get(name)!.programs.join() === plain.programs.join());
  // Batches are left open in programs, and below 2048 tokens attention is not fused.
  expect(same).toEqual([
    'model offload',
    'sequential offload',
    'slicing',
    'flash attention',
    'prompt weights',
    'step cache',
    'textual inversion',
  ]);
});

// Of every other pair the second one goes first.
test.each(pairsOf(NAMES.filter((name) => !WORDS.includes(name))).map(([a, b], i) => (i % 2 === 0 ? [a, b] : [b, a])))(
  '%s and %s',
  async (a, b) => {
    // What computes in int8 is made of the weights that lie below before the next call.
    const settle = async (): Promise<unknown> => [a, b].includes('int8 computation') && trial();
    const [first, second] = [await pipe.use(KINDS[a]!.create()), await pipe.use(KINDS[b]!.create())];
    expectRightPicture([a, b], await trial());
    const together = await compiled();
    await first.remove();
    await settle();
    expect(await compiled()).toEqual(aloneCompiled.get(b));
    expect(pipe.plugins.map(({ name }) => name)).toEqual([second.plugin.name]);
    expect(tapped().filter((name) => name !== second.plugin.name)).toEqual([]);
    // Now it comes after the other one.
    const again = await pipe.use(KINDS[a]!.create());
    await settle();
    expect(await compiled()).toEqual(together);
    await second.remove();
    await again.remove();
    await expectNothingLeft();
  },
);

describe.each(largeSets(NAMES))('%s', (_what, names) => {
  test('make one picture in either order, and leave nothing', async () => {
    const together = await trialWith(names);
    expectRightPicture(names, together);
    expect((await trialWith(names.toReversed())).programs).toEqual(together.programs);
    await expectNothingLeft();
  });
});

// A trace of any of them would show in it.
test('without them a run is what it was', async () => {
  expect(await trial()).toEqual(plain);
});
