import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { isThimbleError } from '../../src/index.js';
import { openTensorFile } from '../../src/weights/files/openTensorFile.js';
import type { TensorFileFormat } from '../../src/weights/files/TensorFile.js';
import { registerTensorFileFormat, tensorFileFormats } from '../../src/weights/files/tensorFileFormats.js';
import { writeSafetensors } from '../../src/weights/files/writeSafetensors.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-files-')));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, bytes: Uint8Array | string): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

/** One row of floats after the word `ROWS`. */
const rows: TensorFileFormat = {
  name: 'rows',
  extensions: ['.rows'],
  matches: (head) => Buffer.from(head.subarray(0, 4)).toString() === 'ROWS',
  open: async (path) => {
    const byteLength = readFileSync(path).length - 4;
    const view = { name: 'row', dtype: 'F32', shape: [byteLength / 4], file: path, offset: 4, byteLength };
    return { path, tensors: new Map([['row', view]]), metadata: { by: 'me' } };
  },
};

test('files are opened by what they begin with, also by formats from outside', async () => {
  const named = join(folder, 'a.bin2');
  await writeSafetensors(named, { x: { dtype: 'F32', shape: [2], data: new Uint8Array(8) } });
  expect([...(await openTensorFile(named)).tensors.keys()]).toEqual(['x']);

  const path = write('weights.safetensors', Buffer.concat([Buffer.from('ROWS'), Buffer.alloc(12)]));
  await expect(openTensorFile(path)).rejects.toMatchObject({ code: 'ERR_SAFETENSORS_HEADER' });
  const first = registerTensorFileFormat(rows);
  const second = registerTensorFileFormat(rows);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  expect((await openTensorFile(path)).tensors.get('row')).toMatchObject({ shape: [3], offset: 4 });
  expect(() => registerTensorFileFormat({ ...rows })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
  );
  second[Symbol.dispose]();
  expect(tensorFileFormats().map(({ name }) => name)).toEqual(['safetensors']);
});

test.each([
  ['nothing.txt', ''],
  ['some.dat', 'this is no checkpoint at all'],
])('%s is refused, with the formats that there are', async (name, text) => {
  const error = await openTensorFile(write(name, text)).catch((thrown: unknown) => thrown);
  expect(isThimbleError(error, 'ERR_TENSOR_FILE_UNKNOWN')).toBe(true);
  expect((error as Error).message).toMatch(/safetensors/);
});

const ZIP = Buffer.from([0x50, 0x4b, 0x03, 0x04, 0, 0]);

test.each([
  ["it's v1.5 pruned.ckpt", ZIP],
  ['renamed.safetensors', Buffer.from([0x80, 0x02, 0x8a, 0x0a])],
  ['model.pt', 'whatever'],
])('the pickle %s is refused with the reason, and the line that converts it', async (name, bytes) => {
  const path = write(name, bytes);
  const error = await openTensorFile(path).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_PICKLE_REFUSED', details: { file: path } });
  const { message } = error as Error;
  expect(message).toMatch(/runs whatever code/);
  // The line is one command with a program and two files, whatever is in their names.
  const line = message.slice(message.indexOf('python -c'));
  const said = execFileSync('sh', ['-c', line.replace('python -c', "printf '%s\\n' _")], { encoding: 'utf8' });
  expect(said.split('\n').slice(2, 4)).toEqual([path, path.replace(/\.[^.]*$/, '.safetensors')]);
});
