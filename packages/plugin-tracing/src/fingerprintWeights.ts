import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { fileSystemError, type FileRange } from '@thimble/core/plugin';

/** Bytes that are read at the start, in the middle and at the end of every weight. */
const SAMPLE = 512;

/**
 * A hash by which weights are known again wherever they lie: of the size of each and of samples from it, in order. Training changes every sample; reading all
 * of a checkpoint would take as long as tracing it.
 */
export async function fingerprintWeights(weights: readonly FileRange[]): Promise<string> {
  const hash = createHash('sha256');
  const files = new Map<string, FileHandle>();
  try {
    for (const { file, offset, byteLength } of weights) {
      const handle = files.get(file) ?? (await openWeights(file));
      files.set(file, handle);
      hash.update(`${byteLength};`);
      for (const start of samplesOf(byteLength))
        hash.update(await read(handle, offset + start, Math.min(SAMPLE, byteLength - start)));
    }
  } finally {
    for (const handle of files.values()) await handle.close();
  }
  return hash.digest('hex');
}

async function openWeights(file: string): Promise<FileHandle> {
  return open(file).catch((error: unknown) => {
    throw fileSystemError(error, file, 'read');
  });
}

function samplesOf(byteLength: number): readonly number[] {
  return [...new Set([0, Math.floor(byteLength / 2), Math.max(0, byteLength - SAMPLE)])];
}

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(length), position });
  return buffer.subarray(0, bytesRead);
}
