import { refuseOption } from '../fields/refuseOption.js';
import { checkPath } from '../fields/checkPath.js';
import { open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemErrorCode } from './fileSystemError.js';

const POLL_MS = 200;
const HEARTBEAT_MS = 5_000;
/** A holder that has not touched its file for so long is gone. */
const STALE_MS = 30_000;

/**
 * Runs `work` while holding a lock file, so that no two processes (nor two calls in one) write the same file. Waits for another
 * holder; takes over from one that has died.
 *
 * @throws the signal's reason while waiting; file-system errors; what `work` throws
 */
export async function holdFileLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  checkPath('path', path);
  if (typeof work !== 'function') refuseOption('work', work, 'a function');
  let held = await tryToHold(path);
  while (held === undefined) {
    if (await isAbandoned(path)) await rm(path, { force: true });
    else await sleep(POLL_MS, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
    held = await tryToHold(path);
  }
  try {
    return await work();
  } finally {
    await held[Symbol.asyncDispose]();
  }
}

/**
 * Creates a file that says that this process lives and holds something, and keeps it fresh; disposing removes it. `undefined` where the
 * file is there already.
 *
 * @throws file-system errors
 */
export async function tryToHold(path: string): Promise<AsyncDisposable | undefined> {
  if (!(await create(path))) return undefined;
  const heartbeat = setInterval(() => void touch(path), HEARTBEAT_MS);
  heartbeat.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      clearInterval(heartbeat);
      await rm(path, { force: true });
    },
  };
}

/** Whether the process that holds a file has died. A file that is not there is held by nobody, and not abandoned either. */
export async function isAbandoned(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > STALE_MS) return true;
    const [pid, host] = (await readFile(path, 'utf8')).split(' ');
    return host === hostname() && !isAlive(Number(pid));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function create(path: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(`${process.pid} ${hostname()}`);
    } catch (error) {
      // Nobody holds it, and others would wait until it looks abandoned.
      await rm(path, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemErrorCode(error) !== 'ESRCH';
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined);
}
