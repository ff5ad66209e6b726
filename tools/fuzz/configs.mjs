// Configs of models, schedulers and whole pipelines, of checkpoints with real weights: each has to be refused, or what it describes to be one that graphs can be built of.
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DiffusionPipeline, exportOnnx } from '@thimble/core';
import { nominalShapes } from '@thimble/core/model';
import { testCheckpoint } from '@thimble/plugin-testkit';
import fc from 'fast-check';
import { FIXTURES } from './fixtures.mjs';
import { refusalOf } from './refusalOf.mjs';
import { spoiledJson } from './spoiledJson.mjs';

const CHECKPOINTS = [
  testCheckpoint,
  ...['sd2-tiny', 'sdxl-tiny', 'sd3-tiny', 'flux-tiny', 'flux2-klein-tiny', 'z-image-tiny', 'cogvideox-tiny'].map(
    (name) => join(FIXTURES, name),
  ),
];
const CONFIG = /^(model_index|config|scheduler_config)\.json$/;
/** Graphs are built of one in so many that can be opened: they take long. */
const BUILT_ONE_IN = 8;

export const count = 50_000;

export async function open(sandbox) {
  const folder = await sandbox.makeFolder('configs');
  const originals = [];
  for (const [i, checkpoint] of CHECKPOINTS.entries())
    originals.push(...(await copyCheckpoint(checkpoint, join(folder, String(i)))));
  return {
    inputs: fc.record({ file: spoiledJson(originals), build: fc.nat({ max: BUILT_ONE_IN - 1 }) }),
    tryOne: async ({ file: { name, text }, build }) => {
      const original = originals.find((each) => each.name === name);
      await writeFile(name, text);
      try {
        return await tryOpen(original, build === 0);
      } finally {
        await writeFile(name, original.text);
      }
    },
    close: async () => undefined,
  };
}

/** Links to all files but configs, which are copied. */
async function copyCheckpoint(from, to) {
  const originals = [];
  for (const entry of await readdir(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.name.startsWith('case.')) continue;
    const source = join(entry.parentPath, entry.name);
    const target = join(to, source.slice(from.length));
    await mkdir(dirname(target), { recursive: true });
    if (!CONFIG.test(entry.name)) {
      // No link: a checkpoint is refused in which one leads outside.
      await copyFile(source, target);
      continue;
    }
    const text = await readFile(source, 'utf8');
    await writeFile(target, text);
    originals.push({
      name: target,
      text,
      checkpoint: to,
      part: dirname(target) === to ? undefined : target.slice(to.length + 1).split('/')[0],
    });
  }
  return originals;
}

async function tryOpen({ checkpoint, part }, build) {
  const opened = await refusalOf(() =>
    DiffusionPipeline.fromPretrained(checkpoint, {
      deviceOptions: { inline: true, threads: 1 },
      ...(part === undefined ? {} : { components: [part] }),
    }),
  );
  if (typeof opened === 'string') return opened;
  const pipe = opened.value;
  try {
    const used = await refusalOf(() => useOpened(pipe, build));
    return typeof used === 'string' ? `opened, then ${used}` : 'opened';
  } finally {
    await pipe.dispose();
  }
}

async function useOpened(pipe, build) {
  for (const option of Object.keys(pipe.defaults)) pipe.optionFields[option].accepts(pipe.defaults[option]);
  if (pipe.parts['scheduler'] !== undefined) pipe.scheduler.setTimesteps(3);
  if (!build) return;
  for (const { model, checkpoint } of Object.values(pipe.components))
    for (const [name, entry] of Object.entries(model.entries))
      exportOnnx(model, checkpoint, name, nominalShapes(entry));
}
