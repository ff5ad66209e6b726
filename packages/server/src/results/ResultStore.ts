import type { Job } from '../jobs/Job.js';
import type { PictureFormat } from './PictureFormat.js';
import type { ResultStorage } from './ResultStorage.js';

/** A key, which is also the name of a file and the end of an address: when its job was made, the job, what of it. */
export const RESULT_KEY = '^[0-9a-z]{6,12}\\.[0-9a-f-]{36}\\.[0-9]{1,3}\\.(png|jpeg|webp)$';

/**
 * Pictures of jobs, in any of unstorage's drivers. Keys follow from the job alone, so that a run that is repeated leaves one result, and they say how old they are, so that
 * every driver can be swept.
 */
export class ResultStore {
  readonly #storage: ResultStorage;

  constructor(storage: ResultStorage) {
    this.#storage = storage;
  }

  /** The key of a job's picture. */
  resultKey({ createdAt, id }: Pick<Job, 'createdAt' | 'id'>, index: number, format: PictureFormat): string {
    return `${createdAt.toString(36)}.${id}.${index}.${format}`;
  }

  /** The key of a picture that a job is given, as the option `name`. */
  inputKey({ createdAt, id }: Pick<Job, 'createdAt' | 'id'>, name: string): string {
    return `${createdAt.toString(36)}.${id}.${name}.input`;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#storage.setItemRaw(key, bytes);
  }

  /** Undefined if there is none, or it was swept. */
  async get(key: string): Promise<Buffer | undefined> {
    const bytes: unknown = await this.#storage.getItemRaw(key);
    if (bytes instanceof Uint8Array) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes instanceof ArrayBuffer) return Buffer.from(bytes);
    return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : undefined;
  }

  async remove(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map(async (key) => this.#storage.removeItem(key)));
  }

  /** Removes what belongs to jobs that were made before `time`, in milliseconds since 1970, and that `isKnown` does not know any more; other files are left alone. */
  async sweep(time: number, isKnown: (id: string) => Promise<boolean>): Promise<void> {
    const known = new Map<string, boolean>();
    for (const key of await this.#storage.getKeys()) {
      const job = jobOf(key);
      if (job === undefined || job.createdAt >= time) continue;
      // A job may have waited for longer than results are kept.
      if (!known.has(job.id)) known.set(job.id, await isKnown(job.id));
      if (known.get(job.id) === false) await this.remove([key]);
    }
  }

  async close(): Promise<void> {
    await this.#storage.dispose();
  }
}

function jobOf(key: string): Pick<Job, 'createdAt' | 'id'> | undefined {
  const [, time, id] = /^([0-9a-z]{6,12})\.([0-9a-f-]{36})\.\w+\.(?:png|jpeg|webp|input)$/.exec(key) ?? [];
  return time === undefined || id === undefined ? undefined : { createdAt: Number.parseInt(time, 36), id };
}
