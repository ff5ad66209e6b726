import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** What is read. */
const PROBE_BYTES = 48 * 2 ** 20;
const PIECE_BYTES = 4 * 2 ** 20;

/** Bytes in a second where nothing can be measured: a disk of today. */
const UNKNOWN = 500e6;

/** What Node.js has and its types leave to browsers. */
const engine = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  };
};

/** How fast weights come from the disk, in bytes a second: past the page cache, which may have them already. `undefined` where there is no file. */
export async function measureDisk(file: string | undefined): Promise<number> {
  if (file === undefined || constants.O_DIRECT === undefined) return UNKNOWN;
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_DIRECT);
    return await readRate(handle);
  } catch {
    // Not every file system reads past its cache.
    return UNKNOWN;
  }
}

async function readRate(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  // Such reads need memory that begins on a page, as that of WebAssembly does.
  const { buffer } = new engine.WebAssembly.Memory({ initial: PIECE_BYTES / 2 ** 16 });
  const piece = new Uint8Array(buffer);
  const most = Math.min(PROBE_BYTES, Math.floor(size / PIECE_BYTES) * PIECE_BYTES);
  if (most === 0) return UNKNOWN;
  const started = performance.now();
  for (let at = 0; at < most; at += PIECE_BYTES) await handle.read(piece, 0, PIECE_BYTES, at);
  return (most / (performance.now() - started)) * 1000;
}
