import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../../disk/makeFolder.js';
import { ThimbleError } from '../../errors.js';
import { fileSystemError, systemErrorCode } from '../../disk/fileSystemError.js';
import { holdFileLock } from '../../disk/holdFileLock.js';
import type { HubClient, HubFile } from './HubClient.js';

/** What {@link downloadHubFile} is to fetch, and where to. */
export interface HubDownload {
  readonly client: HubClient;
  /** `owner/name`, for messages. */
  readonly model: string;
  readonly commit: string;
  readonly file: HubFile;
  /** Path that the file gets when it is complete and checked; until then it is `PATH.incomplete`. */
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
  /** Told how many of the file's bytes are on disk. */
  readonly onLoaded: (bytes: number) => void;
}

const ATTEMPTS = 5;
const FIRST_DELAY_MS = 100;

/**
 * Downloads one file, continuing where an earlier attempt stopped, and checks its size and hash before it gets its name. A
 * connection that breaks is taken up again a few times.
 *
 * @throws `ERR_DOWNLOAD_CORRUPT`, `ERR_DISK_FULL`, `ERR_FILE_ACCESS`, what {@link HubClient.open} throws, the signal's reason
 */
export async function downloadHubFile(download: HubDownload): Promise<void> {
  const { path, signal, file } = download;
  try {
    await makeFolder(dirname(path));
    await holdFileLock(`${path}.incomplete.lock`, signal, async () => {
      if ((await sizeOf(path)) === file.size) return download.onLoaded(file.size);
      await fetchRest(download);
      await checkHash(download);
      await rename(partialOf(download), path);
    });
  } catch (error) {
    throw fileSystemError(error, path, 'write');
  }
}

/** Bytes of `file` that an earlier attempt has left beside `path`. */
export async function partialBytes(path: string): Promise<number> {
  return (await sizeOf(`${path}.incomplete`)) ?? 0;
}

async function fetchRest(download: HubDownload): Promise<void> {
  const handle = await openPartial(download);
  try {
    for (let attempt = 1; !(await fetchOnce(download, handle)); attempt++) {
      if (attempt === ATTEMPTS)
        throw download.client.failure(`"${download.file.path}"`, 'the connection broke again and again');
      await sleep(
        FIRST_DELAY_MS * 2 ** attempt,
        undefined,
        download.signal === undefined ? {} : { signal: download.signal },
      ).catch(() => undefined);
      download.signal?.throwIfAborted();
    }
  } finally {
    await handle.close();
  }
}

async function openPartial(download: HubDownload): Promise<FileHandle> {
  const handle = await open(partialOf(download), 'a');
  if ((await handle.stat()).size > download.file.size) await handle.truncate(0);
  return handle;
}

/** @returns whether all bytes are there; `false` to be called again */
async function fetchOnce(download: HubDownload, handle: FileHandle): Promise<boolean> {
  const { client, file, commit } = download;
  const start = (await handle.stat()).size;
  if (start === file.size) return true;
  const response = await client.open(file.path, commit, start);
  const continues =
    response.status === 206 && response.headers.get('Content-Range')?.startsWith(`bytes ${start}-`) === true;
  if (start > 0 && !continues) {
    await handle.truncate(0);
    if (response.status !== 200) {
      await response.body?.cancel();
      return false;
    }
  }
  return store(download, handle, response, continues ? start : 0);
}

async function store(download: HubDownload, handle: FileHandle, response: Response, start: number): Promise<boolean> {
  const { file, client } = download;
  let loaded = start;
  const chunks = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
  try {
    for (;;) {
      const { done, value } = await receive(chunks, download.signal, client.downloadTimeoutMs);
      if (done) return loaded === file.size;
      loaded += value.byteLength;
      if (loaded > file.size) throw await corrupt(download, `it is longer than the ${file.size} bytes announced`);
      await writeAll(handle, value);
      download.onLoaded(loaded);
    }
  } finally {
    await chunks.cancel().catch(() => undefined);
  }
}

/** A chunk; the end also where the connection breaks or is silent for too long, since the bytes so far are good. */
async function receive(
  chunks: ReadableStreamDefaultReader<Uint8Array>,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): Promise<{ readonly done: false; readonly value: Uint8Array } | { readonly done: true; readonly value?: undefined }> {
  const timer = setTimeout(() => void chunks.cancel().catch(() => undefined), timeoutMs);
  try {
    const { done, value } = await chunks.read();
    return done ? { done } : { done, value };
  } catch {
    signal?.throwIfAborted();
    return { done: true };
  } finally {
    clearTimeout(timer);
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) done += (await handle.write(bytes, done)).bytesWritten;
}

async function checkHash(download: HubDownload): Promise<void> {
  const { file, signal } = download;
  const hash = hashOf(file);
  for await (const chunk of createReadStream(partialOf(download), { highWaterMark: 2 ** 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  if (hash.digest('hex') !== file.etag) throw await corrupt(download, 'its hash is not the one announced');
}

/** Files in LFS are known by their SHA-256, others by git's hash of the blob. */
function hashOf(file: HubFile): Hash {
  return file.etag.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${file.size}\0`);
}

async function corrupt(download: HubDownload, problem: string): Promise<ThimbleError> {
  await rm(partialOf(download), { force: true });
  return new ThimbleError('ERR_DOWNLOAD_CORRUPT', { model: download.model, file: download.file.path, problem });
}

function partialOf(download: HubDownload): string {
  return `${download.path}.incomplete`;
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
