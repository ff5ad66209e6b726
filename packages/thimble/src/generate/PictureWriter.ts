import { mkdtemp, open, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, normalize, sep } from 'node:path';
import { type Image, isThimbleError } from '@thimble/core';
import { makeFolder, writeFileAtomically } from '@thimble/core/plugin';
import { CliError } from '../CliError.js';
import { flushOutput, print } from '../standardOutput.js';
import { systemReason } from '../systemReason.js';
import type { FileFormat } from './FileFormat.js';
import { STANDARD_OUTPUT } from './OutputNaming.js';

/** Bytes of a name, in nearly every file system. */
const LONGEST_NAME = 255;

/** Writes the pictures of a run. A file that is there already is kept, and the next free number taken, unless told otherwise. */
export class PictureWriter {
  readonly #overwrite: boolean;
  readonly #written = new Set<string>();

  constructor(options: { readonly overwrite: boolean }) {
    this.#overwrite = options.overwrite;
  }

  /** Fails now rather than after the run if nothing can be written at `path`. @throws ERR_OUTPUT_UNWRITABLE */
  async check(path: string): Promise<void> {
    if (path === STANDARD_OUTPUT) return;
    let folder = dirname(path);
    try {
      checkNames(path);
      if (this.#overwrite && (await isFolder(path))) throw unwritable(path, 'a folder has this name');
      while (!(await exists(folder)) && dirname(folder) !== folder) folder = dirname(folder);
      if (!(await isFolder(folder))) throw unwritable(path, `"${folder}" is a file, not a folder`);
      // Permissions do not tell all: below /proc they allow what cannot be.
      await rmdir(await mkdtemp(join(folder, '.thimble-')));
    } catch (error) {
      throw asUnwritable(path, error);
    }
  }

  /**
   * Returns the path that was written: another one where a picture cannot be encoded as asked, and is a PNG instead.
   *
   * @param tell told why it is another one
   * @throws ERR_OUTPUT_UNWRITABLE, ERR_STDOUT_UNWRITABLE
   */
  async write(image: Image, path: string, format: FileFormat, tell: (why: string) => void): Promise<string> {
    try {
      return await this.#put(await image.toBuffer(format), path);
    } catch (error) {
      if (!isThimbleError(error, 'ERR_IMAGE_ENCODE') || format === 'png') throw error;
      const other = path === STANDARD_OUTPUT ? path : `${path.slice(0, -extname(path).length)}.png`;
      const written = await this.#put(await image.toBuffer('png'), other);
      tell(`${error.message} It is written as PNG: ${written}`);
      return written;
    }
  }

  /** Lets `write` write a file that replaces what is at the path it is given. Returns that path. @throws ERR_OUTPUT_UNWRITABLE, and what `write` throws */
  async writeBy(path: string, format: string, write: (path: string) => Promise<unknown>): Promise<string> {
    if (path === STANDARD_OUTPUT) return this.#printBy(format, write);
    try {
      await makeFolder(dirname(path));
      const replaces = this.#overwrite && !this.#written.has(path) && !(await isFolder(path));
      const free = replaces ? path : await writeNew(path, new Uint8Array());
      await write(free).catch(async (error: unknown) => {
        if (!replaces) await rm(free, { force: true });
        throw error;
      });
      return this.#remember(free);
    } catch (error) {
      throw asUnwritable(path, error);
    }
  }

  /** Writes a report, over an older one. @throws ERR_OUTPUT_UNWRITABLE */
  async writeText(text: string, path: string): Promise<void> {
    try {
      await makeFolder(dirname(path));
      await writeFile(path, text);
    } catch (error) {
      throw asUnwritable(path, error);
    }
  }

  /** Over what is there, if that is asked for and can be; else under the next free number. */
  async #put(bytes: Uint8Array, path: string): Promise<string> {
    if (path === STANDARD_OUTPUT) {
      print(bytes);
      await flushOutput();
      return path;
    }
    try {
      await makeFolder(dirname(path));
      if (this.#overwrite && !this.#written.has(path) && !(await isFolder(path))) {
        await writeFileAtomically(path, bytes);
        return this.#remember(path);
      }
      return this.#remember(await writeNew(path, bytes));
    } catch (error) {
      throw asUnwritable(path, error);
    }
  }

  /** By way of a file, because that is what `write` writes. */
  async #printBy(format: string, write: (path: string) => Promise<unknown>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'thimble-')).catch((error: unknown) => {
      throw asUnwritable(tmpdir(), error);
    });
    try {
      const file = join(folder, `output.${format}`);
      await write(file);
      print(await readFile(file));
      await flushOutput();
      return STANDARD_OUTPUT;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  #remember(path: string): string {
    this.#written.add(path);
    return path;
  }
}

/** The file has all the bytes, or is not there. */
async function writeNew(path: string, bytes: Uint8Array): Promise<string> {
  for (let number = 1; ; number++) {
    const free = number === 1 ? path : numbered(path, number);
    try {
      await using file = await open(free, 'wx');
      await file.writeFile(bytes).catch(async (error: unknown) => {
        await rm(free, { force: true });
        throw error;
      });
      return free;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function numbered(path: string, number: number): string {
  const end = `-${number}${extname(path)}`;
  let stem = basename(path, extname(path));
  while (Buffer.byteLength(stem + end) > LONGEST_NAME) stem = Array.from(stem).slice(0, -1).join('');
  return join(dirname(path), `${stem}${end}`);
}

/** @throws ERR_OUTPUT_UNWRITABLE for a part of the path that no file system holds */
function checkNames(path: string): void {
  for (const name of normalize(path).split(sep)) {
    const bytes = Buffer.byteLength(name);
    if (bytes > LONGEST_NAME)
      throw unwritable(path, `a name in it has ${bytes} bytes, and file systems hold ${LONGEST_NAME}`);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => !['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''),
  );
}

function asUnwritable(path: string, error: unknown): unknown {
  if (isThimbleError(error, 'ERR_DISK_FULL')) return unwritable(path, systemReason({ code: 'ENOSPC' }), error);
  if (isThimbleError(error, 'ERR_FILE_ACCESS'))
    return unwritable(path, systemReason({ code: error.details.reason }), error);
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && !code.startsWith('ERR_') ? unwritable(path, systemReason(error), error) : error;
}

function unwritable(path: string, reason: string, cause?: unknown): CliError {
  return new CliError('ERR_OUTPUT_UNWRITABLE', { path, reason }, { cause });
}
