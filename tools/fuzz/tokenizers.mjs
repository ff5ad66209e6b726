// Files of tokenizers: refused, or texts are encoded by what was read, to ids that are in the vocabulary, and decoded again.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTokenizer } from '@thimble/core/model';
import { testCheckpoint } from '@thimble/plugin-testkit';
import fc from 'fast-check';
import { FIXTURES } from './fixtures.mjs';
import { Random } from './Random.mjs';
import { refusalOf } from './refusalOf.mjs';
import { spoiledJson } from './spoiledJson.mjs';

const FOLDERS = [
  [join(testCheckpoint, 'tokenizer'), 'CLIPTokenizer'],
  [join(FIXTURES, 'sdxl-tiny/tokenizer_2'), 'CLIPTokenizer'],
  [join(FIXTURES, 'flux2-klein-tiny/tokenizer'), 'Qwen2Tokenizer'],
  [join(FIXTURES, 'text-encoders/tokenizer'), 'Qwen2Tokenizer'],
  [join(FIXTURES, 'cogvideox-rope-tiny/tokenizer'), 'T5Tokenizer'],
];
/** Larger ones take a hundredth of a second to read, so they are rarer. */
const LARGE = 2 ** 16;
const JSON_FILE = /\.json$/;

export const count = 100_000;

export async function open(sandbox) {
  const folder = await sandbox.makeFolder('tokenizers');
  const files = [];
  for (const [i, [from, className]] of FOLDERS.entries()) {
    const to = join(folder, String(i));
    await mkdir(to);
    for (const name of await readdir(from)) {
      await writeFile(join(to, name), await readFile(join(from, name)));
      const bytes = await readFile(join(from, name));
      files.push({ name: join(to, name), bytes, text: bytes.toString(), folder: to, className });
    }
  }
  const small = files.filter(({ bytes }) => bytes.length < LARGE);
  const large = files.filter(({ bytes }) => bytes.length >= LARGE);
  const inputs = fc.record({
    file: fc.oneof(
      { weight: 60, arbitrary: spoiledJson(small.filter(({ name }) => JSON_FILE.test(name))) },
      { weight: 30, arbitrary: spoiledBytes(small) },
      { weight: 1, arbitrary: spoiledBytes(large) },
    ),
    text: fc.oneof(
      fc.constantFrom('a red apple', '', '  A  cat,  1234 😀\n', "don't"),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.string(),
    ),
    chat: fc.boolean(),
  });
  return {
    inputs,
    tryOne: async ({ file: { name, text: spoiled }, text, chat }) => {
      const { folder: own, className, bytes } = files.find((file) => file.name === name);
      await writeFile(name, spoiled);
      try {
        const made = await refusalOf(() => createTokenizer(own, className));
        if (typeof made === 'string') return made;
        const used = await refusalOf(() => useTokenizer(made.value, text, chat));
        return typeof used === 'string' ? `read, then ${used}` : 'read';
      } finally {
        await writeFile(name, bytes);
      }
    },
    close: async () => undefined,
  };
}

function spoiledBytes(files) {
  return fc.tuple(fc.nat({ max: files.length - 1 }), fc.noShrink(fc.integer())).map(([index, seed]) => {
    const { name, bytes } = files[index];
    const random = new Random(seed);
    const text = Buffer.from(bytes);
    for (let more = random.below(4); more >= 0; more--) text[random.below(text.length)] = random.below(256);
    const cut = random.oneIn(4) ? random.below(text.length) : text.length;
    return {
      name,
      text: random.oneIn(8) ? Buffer.concat([text, text.subarray(0, random.below(cut + 1))]) : text.subarray(0, cut),
    };
  });
}

async function useTokenizer(tokenizer, text, chat) {
  const maxLength = Math.min(tokenizer.modelMaxLength, 100);
  const { input_ids: ids } = tokenizer.encode([text, 'a cat'], { maxLength });
  const values = [...ids.data];
  if (values.length !== ids.dims[0] * ids.dims[1] || values.some((id) => id < 0n))
    throw new Error(`ids ${values.join(', ')} of [${ids.dims.join(', ')}]`);
  tokenizer.decode(values);
  tokenizer.truncated(text, { maxLength });
  if (chat) tokenizer.applyChatTemplate?.(text);
}
