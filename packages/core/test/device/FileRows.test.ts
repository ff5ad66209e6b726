import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { FileRows } from '../../src/device/FileRows.js';
import { SpillFile } from '../../src/device/SpillFile.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'thimble-file-rows-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

test('what waits whole goes through small buffers that are not kept: skip connections of 20 MB held as much while they waited', async () => {
  const [outer, rows, inner] = [64, 150, 512];
  const buffer = jest.spyOn(SpillFile.prototype, 'buffer');
  using store = new FileRows({ type: 'float32', outer, rows, inner, folder: FOLDER });
  const given = Float32Array.from({ length: outer * rows * inner }, (_, i) => i);
  await store.write(0, rows, new Uint8Array(given.buffer));
  const found = new Float32Array(given.length);
  await store.read(0, rows, new Uint8Array(found.buffer));
  const taken = buffer.mock.calls.flat();
  buffer.mockRestore();
  expect(Buffer.compare(Buffer.from(found.buffer), Buffer.from(given.buffer))).toBe(0);
  expect(taken).toEqual([2 ** 20, 2 ** 20]);
});
