import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../disk/writeFileAtomically.js';
import { isThimbleError } from '../../errors.js';
import { systemErrorCode } from '../../disk/fileSystemError.js';
import { isAbandoned, tryToHold } from '../../disk/holdFileLock.js';
import { SafetensorsFile } from '../files/SafetensorsFile.js';
import type { TensorView } from '../TensorView.js';
import { type TensorToWrite, writeSafetensors } from '../files/writeSafetensors.js';
import { digestOf, stateOf } from './FileDigests.js';

/** What an entry's record says: it is written last, so an entry without one is not there. */
interface EntryRecord {
  readonly digest: string;
  readonly bytes: number;
  /** What the file looked like when its digest was taken. */
  readonly state: string;
  /** How the weights were made, and of which files; entries of before do not say. */
  readonly origin?: EntryOrigin | undefined;
}

/** What an entry was made of, for people. */
export interface EntryOrigin {
  readonly recipe: string;
  /** Paths of the files that the sources lay in. */
  readonly files: readonly string[];
}

/** What is told of an entry. */
export interface EntryUsage {
  readonly bytes: number;
  /** As `Date.now()`. */
  readonly usedAt: number;
  readonly origin: EntryOrigin | undefined;
}

/** An entry's file, opened. */
interface OpenedEntry {
  readonly file: string;
  readonly tensors: ReadonlyMap<string, TensorView>;
}

/** The files of one entry of the cache: KEY.safetensors, KEY.json (the record), KEY.lock while somebody looks or writes, KEY.*.lease while somebody uses it. */
export class CacheEntry {
  readonly key: string;
  readonly #folder: string;

  constructor(folder: string, key: string) {
    this.#folder = folder;
    this.key = key;
  }

  /** Held by whoever finds, makes or removes the entry. */
  get lockFile(): string {
    return this.#path('lock');
  }

  get #data(): string {
    return this.#path('safetensors');
  }

  get #record(): string {
    return this.#path('json');
  }

  /** Says that this process uses the entry, until disposed. */
  async lease(): Promise<AsyncDisposable> {
    const held = await tryToHold(this.#path(`${process.pid}-${randomUUID()}.lease`));
    return { [Symbol.asyncDispose]: async () => held?.[Symbol.asyncDispose]() };
  }

  /** The entry, if it is there and undamaged. Marks it as used. */
  async read(signal: AbortSignal | undefined): Promise<OpenedEntry | undefined> {
    const record = await this.#readRecord();
    if (record === undefined) return undefined;
    try {
      if (!(await this.#isIntact(record, signal))) return undefined;
      const { path, tensors } = await SafetensorsFile.open(this.#data);
      const now = new Date();
      await utimes(this.#record, now, now);
      return { file: path, tensors };
    } catch (error) {
      if (isThimbleError(error, 'ERR_FILE_NOT_FOUND') || systemErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Makes the entry; one that is there is replaced. What others left behind when they died in the middle of it is removed. */
  async write(
    tensors: ReadonlyMap<string, TensorToWrite>,
    origin: EntryOrigin,
    signal: AbortSignal | undefined,
  ): Promise<OpenedEntry> {
    await this.remove();
    await writeSafetensors(this.#data, tensors, { format: 'pt', recipe: origin.recipe });
    const opened = await SafetensorsFile.open(this.#data);
    await this.#writeRecord(await digestOf(this.#data, signal), origin);
    return { file: opened.path, tensors: opened.tensors };
  }

  /** Removes what there is of it but for its lock and leases; the record first. */
  async remove(): Promise<void> {
    await rm(this.#record, { force: true });
    for (const name of await this.#names((rest) => rest.startsWith('safetensors')))
      await rm(join(this.#folder, name), { force: true });
  }

  /** Whether a living process uses it. Leases of those that died are removed. */
  async isUsed(): Promise<boolean> {
    let used = false;
    for (const name of await this.#names((rest) => rest.endsWith('.lease'))) {
      const path = join(this.#folder, name);
      if (await isAbandoned(path)) await rm(path, { force: true });
      else used = true;
    }
    return used;
  }

  /** What there is to tell of it; `undefined` where it is not there. */
  async usage(): Promise<EntryUsage | undefined> {
    const record = await this.#readRecord();
    const stats = await stat(this.#record).catch(() => undefined);
    if (record === undefined || stats === undefined) return undefined;
    return { bytes: record.bytes, usedAt: stats.mtimeMs, origin: record.origin };
  }

  async #isIntact(record: EntryRecord, signal: AbortSignal | undefined): Promise<boolean> {
    const stats = await stat(this.#data, { bigint: true });
    if (stateOf(stats) === record.state) return true;
    if (Number(stats.size) !== record.bytes || (await digestOf(this.#data, signal)) !== record.digest) return false;
    await this.#writeRecord(record.digest, record.origin);
    return true;
  }

  async #writeRecord(digest: string, origin: EntryOrigin | undefined): Promise<void> {
    const stats = await stat(this.#data, { bigint: true });
    const record: EntryRecord = { digest, bytes: Number(stats.size), state: stateOf(stats), origin };
    await writeFileAtomically(this.#record, Buffer.from(JSON.stringify(record)));
  }

  async #readRecord(): Promise<EntryRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(this.#record, 'utf8')) as EntryRecord;
      return typeof record.digest === 'string' && typeof record.bytes === 'number' ? record : undefined;
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async #names(matches: (rest: string) => boolean): Promise<readonly string[]> {
    const start = `${this.key}.`;
    return (await readdir(this.#folder)).filter((name) => name.startsWith(start) && matches(name.slice(start.length)));
  }

  #path(extension: string): string {
    return join(this.#folder, `${this.key}.${extension}`);
  }
}
