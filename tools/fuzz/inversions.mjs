// Files of textual inversions: refused, or prompts have their words while the plugin is there, and not afterwards.
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiffusionPipeline } from '@thimble/core';
import { openTensorFile } from '@thimble/core/plugin';
import { TextualInversionPlugin } from '@thimble/plugin-textual-inversion';
import fc from 'fast-check';
import { FIXTURES } from './fixtures.mjs';
import { oddTexts } from './oddValues.mjs';
import { randoms } from './Random.mjs';
import { refusalOf } from './refusalOf.mjs';
import { spoilHeader } from './spoilHeader.mjs';

const FILES = ['toy', 'badhands', 'xl'];
const PROMPTS = ['a <toy> apple', 'badhands, x'];

export const count = 60_000;

export async function open(sandbox) {
  const folder = await sandbox.makeFolder('inversions');
  const originals = [];
  for (const name of FILES) {
    const path = join(FIXTURES, `textual-inversion/${name}.safetensors`);
    const { tensors } = await openTensorFile(path);
    const headerBytes = Math.min(...Array.from(tensors.values(), ({ offset }) => offset));
    originals.push({ head: (await readFile(path)).subarray(0, headerBytes), size: (await stat(path)).size });
  }
  const pipe = await DiffusionPipeline.fromPretrained(join(FIXTURES, 'sd-tiny'), {
    components: ['text_encoder', 'tokenizer'],
    deviceOptions: { inline: true, threads: 1 },
  });
  const before = idsOf(pipe);
  const path = join(folder, 'toy.safetensors');
  return {
    inputs: fc.record({ random: randoms, token: fc.option(oddTexts, { nil: undefined, freq: 3 }) }),
    tryOne: async ({ random, token }) => {
      const original = random.of(originals);
      const { head, size } = random.oneIn(5)
        ? original
        : spoilHeader({ head: Buffer.from(original.head), size: original.size }, true, random);
      await writeFile(path, head);
      await truncate(path, size);
      const used = await refusalOf(() =>
        pipe.use(new TextualInversionPlugin({ file: path, ...(token === undefined ? {} : { token }) })),
      );
      if (typeof used === 'string' && idsOf(pipe) === before) return used;
      if (typeof used !== 'string') {
        idsOf(pipe);
        await pipe.remove(used.value);
      }
      if (idsOf(pipe) !== before) throw new Error(`its token is left`);
      return 'used and removed';
    },
    close: async () => pipe.dispose(),
  };
}

function idsOf(pipe) {
  return [...pipe.tokenizer.encode(PROMPTS).input_ids.data].join(' ');
}
