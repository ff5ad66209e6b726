import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DiffusionPipeline, type PluginHandle } from '@thimble/core';
import { MODEL } from './support/CliRun.js';
import { distance, pluginKinds } from './support/PluginKind.js';
import { expectedOf, largeSets, pairsOf } from './support/PluginSet.js';
import { rememberSessions } from './support/rememberSessions.js';
import { temporaryFolder } from './support/temporaryFolder.js';

// `npm run test:matrix`: the pictures of every pair, in both orders. plugins.matrix.test.ts has every day's share.
jest.setTimeout(240_000);

const folder = temporaryFolder();
const KINDS = pluginKinds(folder);
const NAMES = Object.keys(KINDS);
const PAIRS = pairsOf(NAMES);

let pipe: DiffusionPipeline;
let plain: Float32Array;
const alone = new Map<string, Float32Array>();

beforeAll(async () => {
  rememberSessions();
  process.env['THIMBLE_CACHE'] = `${folder}/cache`;
  pipe = await DiffusionPipeline.fromPretrained(MODEL, { deviceOptions: { inline: true, threads: 1 } });
  plain = await picture();
  for (const [name, { storage, own }] of Object.entries(KINDS)) {
    if (storage === true || own === true) alone.set(name, await pictureWith([name]));
  }
});
afterAll(async () => {
  await pipe.dispose();
  jest.restoreAllMocks();
  delete process.env['THIMBLE_CACHE'];
});

async function picture(): Promise<Float32Array> {
  return (
    await pipe.generate(['a red fox', 'a cat'], {
      width: 32,
      height: 24,
      numInferenceSteps: 2,
      seed: 7,
      outputType: 'tensor',
    })
  ).images.data as Float32Array;
}

async function pictureWith(names: readonly string[], removed: readonly string[] = names): Promise<Float32Array> {
  const handles = new Map<string, PluginHandle>();
  for (const name of names) handles.set(name, await pipe.use(KINDS[name]!.create()));
  try {
    return await picture();
  } finally {
    for (const name of removed) await handles.get(name)?.remove();
  }
}

/** Together they give what they should, and removed in this order, nothing of them is left. */
async function check(names: readonly string[], removed: readonly string[]): Promise<void> {
  const made = await pictureWith(names, removed);
  const { reference, tolerance } = expectedOf(names, KINDS, { plain, alone });
  expect(distance(made, reference)).toBeLessThanOrEqual(tolerance);
  expect(pipe.plugins).toEqual([]);
  expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
  expect(await picture()).toEqual(plain);
}

test.each(NAMES)('%s alone', async (name) => {
  const made = await pictureWith([name]);
  expect(distance(made, plain)).toBeLessThanOrEqual(KINDS[name]!.tolerance);
  if (KINDS[name]!.storage === true || KINDS[name]!.own === true) expect(distance(made, plain)).toBeGreaterThan(1e-4);
  expect(await picture()).toEqual(plain);
});

test.each(
  PAIRS.map(([a, b]) => [
    [a, b],
    [a, b],
  ]),
)('given as %j, removed as %j', check);
test.each(
  PAIRS.map(([a, b]) => [
    [b, a],
    [a, b],
  ]),
)('given as %j, removed as %j', check);

describe.each(largeSets(NAMES))('%s', (_what, names) => {
  const middle = names.length / 2;
  test.each([
    [names, names],
    [names, names.toReversed()],
    [names, [...names.slice(middle), ...names.slice(0, middle)]],
  ])('given as %j, removed as %j', check);
});
