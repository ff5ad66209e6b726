import { open } from 'node:fs/promises';
import type { FileRange } from './FileRange.js';

const CHUNK = 2 ** 20;

/** Where everything is read to. Nobody looks at it, so all reads share it: one of their own for each would be a heap of garbage. */
let scratch: Buffer | undefined;

/**
 * Brings file ranges into the page cache by reading them on the thread pool, so that a mapping of them does not wait for the disk.
 * Rejects with `signal.reason` when aborted.
 */
export async function readAhead(ranges: readonly FileRange[], signal?: AbortSignal): Promise<void> {
  scratch ??= Buffer.allocUnsafeSlow(CHUNK);
  for (const { file, offset, byteLength } of ranges) {
    const handle = await open(file);
    try {
      for (let at = 0; at < byteLength; at += CHUNK) {
        signal?.throwIfAborted();
        await handle.read(scratch, 0, Math.min(CHUNK, byteLength - at), offset + at);
      }
    } finally {
      await handle.close();
    }
  }
}
