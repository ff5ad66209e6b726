import { createHash } from 'node:crypto';
import { open, readFile, stat } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../disk/makeFolder.js';
import { writeFileAtomically } from '../../disk/writeFileAtomically.js';
import { fileSystemError } from '../../disk/fileSystemError.js';

const CHUNK_BYTES = 2 ** 20;

/** Told how many more bytes were read. */
export type OnBytes = (bytes: number) => void;

/** What a file looked like from outside when its digest was taken. Nothing is hashed again while that is so. */
interface Remembered {
  readonly state: string;
  readonly digest: string;
}

/** SHA-256 digests of whole files. Large ones take a second a gigabyte, so they are remembered on disk. */
export class FileDigests {
  readonly #folder: string;

  /** `folder`: where digests are remembered. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Bytes that {@link FileDigests.of} would have to read: none where the digest is remembered. */
  async bytesToRead(file: string): Promise<number> {
    const stats = await look(file);
    return (await this.#recall(file, stats)) === undefined ? Number(stats.size) : 0;
  }

  /** The digest of a file's contents, in hexadecimal. @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, the signal's reason */
  async of(file: string, signal: AbortSignal | undefined, onBytes: OnBytes): Promise<string> {
    const stats = await look(file);
    const known = await this.#recall(file, stats);
    if (known !== undefined) return known;
    const digest = await digestOf(file, signal, onBytes);
    await makeFolder(this.#folder);
    await writeFileAtomically(
      this.#pathFor(file),
      Buffer.from(JSON.stringify({ state: stateOf(stats), digest } satisfies Remembered)),
    );
    return digest;
  }

  async #recall(file: string, stats: BigIntStats): Promise<string | undefined> {
    const text = await readFile(this.#pathFor(file), 'utf8').catch(() => undefined);
    const { state, digest } = parse(text) ?? {};
    return state === stateOf(stats) ? digest : undefined;
  }

  #pathFor(file: string): string {
    return join(this.#folder, `${createHash('sha256').update(file).digest('hex')}.json`);
  }
}

async function look(file: string): Promise<BigIntStats> {
  try {
    return await stat(file, { bigint: true });
  } catch (error) {
    throw fileSystemError(error, file, 'read');
  }
}

/** Hashes a file. @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, the signal's reason */
export async function digestOf(
  file: string,
  signal: AbortSignal | undefined,
  onBytes: OnBytes = () => undefined,
): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file).catch((error: unknown) => {
    throw fileSystemError(error, file, 'read');
  });
  try {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
      onBytes(bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Changes whenever a file is written, replaced or moved in from elsewhere. */
export function stateOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function parse(text: string | undefined): Partial<Remembered> | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Partial<Remembered>);
  } catch {
    return undefined;
  }
}
