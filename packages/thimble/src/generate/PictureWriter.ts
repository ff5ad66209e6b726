import { constants } from 'node:fs';
import { access, mkdir, open, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import type { Image } from '@thimble/core';
import { CliError } from '../CliError.js';
import type { FileFormat } from './FileFormat.js';

/** Writes the pictures of a run. A file that is there already is kept, and the next free number taken, unless told otherwise. */
export class PictureWriter {
  readonly #overwrite: boolean;
  readonly #written = new Set<string>();

  constructor(options: { readonly overwrite: boolean }) {
    this.#overwrite = options.overwrite;
  }

  /** Fails now rather than after the run if nothing can be written at `path`. @throws ERR_OUTPUT_UNWRITABLE */
  async check(path: string): Promise<void> {
    let folder = dirname(path);
    while (!(await exists(folder)) && dirname(folder) !== folder) folder = dirname(folder);
    try {
      if (!(await stat(folder)).isDirectory()) throw unwritable(path, `"${folder}" is a file, not a folder`);
      await access(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw asUnwritable(path, error);
    }
  }

  /** Returns the path that was written. @throws ERR_OUTPUT_UNWRITABLE, and what encoding throws */
  async write(image: Image, path: string, format: FileFormat): Promise<string> {
    const bytes = await image.toBuffer(format);
    try {
      await mkdir(dirname(path), { recursive: true });
      if (!this.#overwrite || this.#written.has(path)) return this.#remember(await writeNew(path, bytes));
      await image.save(path);
      return this.#remember(path);
    } catch (error) {
      throw asUnwritable(path, error);
    }
  }

  /** Lets `write` write a file that replaces what is at the path it is given. Returns that path. @throws ERR_OUTPUT_UNWRITABLE, and what `write` throws */
  async writeBy(path: string, write: (path: string) => Promise<unknown>): Promise<string> {
    try {
      await mkdir(dirname(path), { recursive: true });
      const isFree = this.#overwrite && !this.#written.has(path);
      const free = isFree ? path : await writeNew(path, new Uint8Array());
      await write(free).catch(async (error: unknown) => {
        if (!isFree) await rm(free, { force: true });
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
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    } catch (error) {
      throw asUnwritable(path, error);
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
  const extension = extname(path);
  return `${path.slice(0, path.length - extension.length)}-${number}${extension}`;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => !['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''),
  );
}

function asUnwritable(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && !code.startsWith('ERR_') ? unwritable(path, message, error) : error;
}

function unwritable(path: string, reason: string, cause?: unknown): CliError {
  return new CliError('ERR_OUTPUT_UNWRITABLE', { path, reason }, { cause });
}
