// Headers of safetensors and GGUF: of real files, spoiled byte by byte, field by field and as JSON. Each is opened as a model is: it has to be refused by a coded error, or to
// describe only what lies in the file.
import { open as openFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openModelIndex } from '@thimble/core/model';
import { openTensorFile, readTensor } from '@thimble/core/plugin';
import { registerGguf } from '@thimble/plugin-gguf';
import { FIXTURES } from './fixtures.mjs';
import { randoms } from './Random.mjs';
import { refusalOf } from './refusalOf.mjs';
import { spoilHeader } from './spoilHeader.mjs';

const FILES = [
  'gguf/case.safetensors',
  'single-file/extras.safetensors',
  'single-file/unet-ema.safetensors',
  'single-file/vae.safetensors',
  'sd-tiny-sharded/case.safetensors',
  'gguf/flux/flux-tiny-mixed.gguf',
  'gguf/qwen3/qwen3-tiny-mixed.gguf',
  'gguf/z-image/z-image-tiny-mixed.gguf',
];
/** Codes that say what is wrong with a file; any other would be one that is reached by a way that no file should take. */
const REFUSALS =
  /^ERR_(SAFETENSORS_(HEADER|TENSOR)|GGUF_(HEADER|TENSOR)|DTYPE_UNSUPPORTED|TENSOR_FILE_UNKNOWN|PICKLE_REFUSED|CHECKPOINT_\w+)$/;
/** What small files of the fixtures are of, whose sizes no family has. */
const CONFIGS = join(FIXTURES, 'sdxl-tiny');
/** More of a tensor is not read: it is there for reading beyond the end. */
const MOST_READ = 2 ** 20;

export const count = 100_000;

export async function open(sandbox) {
  const registered = registerGguf();
  const originals = [];
  for (const name of FILES) originals.push(await originalOf(join(FIXTURES, name)));
  const folder = await sandbox.makeFolder('headers');
  const reads = await watchReads(join(FIXTURES, FILES[0]));
  return {
    inputs: randoms,
    tryOne: async (random) => tryOne(random, originals, folder, reads),
    close: async () => {
      reads.restore();
      registered[Symbol.dispose]();
    },
  };
}

/** The header of a real file, and how long that file is. */
async function originalOf(path) {
  const { tensors } = await openTensorFile(path);
  const headerBytes = Math.min(...Array.from(tensors.values(), ({ offset }) => offset));
  const { size } = await stat(path);
  return { head: (await readFile(path)).subarray(0, headerBytes), size, isGguf: path.endsWith('.gguf') };
}

async function tryOne(random, originals, folder, reads) {
  const original = random.of(originals);
  const draft = spoilHeader({ head: Buffer.from(original.head), size: original.size }, !original.isGguf, random);
  const path = join(folder, original.isGguf ? 'x.gguf' : 'x.safetensors');
  await writeFile(path, draft.head);
  await truncate(path, draft.size);
  reads.expect(draft.size);
  const opened = await refusalOf(() => openTensorFile(path), refuses);
  if (typeof opened === 'string') return opened;
  await checkOpened(opened.value, draft.size, random);
  const model = await refusalOf(() => openModelIndex(path), refuses);
  if (typeof model !== 'string') return 'opened as a model';
  const given = await refusalOf(() => openModelIndex(path, { config: CONFIGS }), refuses);
  return typeof given === 'string' ? `opened, then ${model}` : 'opened as a model by its configs';
}

function refuses(error) {
  return REFUSALS.test(error.code) || refusesConfigs(error);
}

/** Of a file that holds something else than the configs are for. */
function refusesConfigs({ code, details }) {
  return code === 'ERR_ARGUMENT_INVALID' && details.argument === 'config';
}

/** @throws where a file describes what is not in it */
async function checkOpened({ tensors, metadata = {} }, size, random) {
  const views = [...tensors.values()];
  for (const { name, shape, offset, byteLength } of views)
    if (![...shape, offset, byteLength].every((n) => Number.isSafeInteger(n) && n >= 0) || offset + byteLength > size)
      throw new Error(`"${name}" [${shape}] lies at ${offset}, ${byteLength} bytes, in a file of ${size}`);
  const some = views.length === 0 ? undefined : random.of(views);
  if (some !== undefined && some.byteLength <= MOST_READ) await readTensor(some);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value?.read !== 'function') continue;
    const read = await refusalOf(() => value.read(), refuses);
    if (typeof read !== 'string' && read.value.length !== value.length)
      throw new Error(`"${key}" has ${read.value.length} elements, and says ${value.length}`);
  }
}

/** Has every read of an open file fail that begins behind the file's end, or wants more memory than the file has bytes. */
async function watchReads(anyFile) {
  const handle = await openFile(anyFile);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const { read } = prototype;
  /** What asks for the head of a file takes so many bytes whatever its size. */
  const slack = 64;
  let size = Infinity;
  prototype.read = function (first, ...rest) {
    const isBuffer = ArrayBuffer.isView(first);
    const buffer = isBuffer ? first : first.buffer;
    const position = (isBuffer ? rest[2] : first.position) ?? 0;
    if (position < 0 || position > size || buffer.byteLength > Math.max(size, MOST_READ) + slack)
      throw new Error(`${buffer.byteLength} bytes are read at ${position} of a file of ${size}`);
    return read.call(this, first, ...rest);
  };
  return {
    expect: (bytes) => (size = bytes),
    restore: () => (prototype.read = read),
  };
}
