import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ThimbleError } from '../errors.js';
import { childCommand, reasonOfStatus, STATUS_PIPE } from './childCommand.js';
import { TENSOR_PIPE } from './messages.js';

// Bundled, the worker lies beside this file; run from source (tests), it is the bundled one, which a plain Node can start.
const WORKER = new URL(import.meta.url.endsWith('.ts') ? '../../dist/worker.js' : './worker.js', import.meta.url);

interface Unreferenced {
  ref?: () => void;
  unref?: () => void;
}

/**
 * The process that a device computes in. It ends when the thread that made it does, in whatever way: its channel closes then.
 */
export class WorkerChild {
  /** Messages and pipes. */
  readonly process: ChildProcess;
  readonly #status: Readable | undefined;
  readonly #onEnd: (reason: string) => void;
  readonly #ended: Promise<void>;
  #pid: number | undefined;
  #isEnded = false;
  #isKilled = false;
  #isAwaited = false;
  #resolveEnded: () => void = () => undefined;

  /**
   * @param flags of Node, beside those that it needs
   * @param onEnd told when it has ended, or cannot be talked to
   * @throws `ERR_DEVICE_FILE_MISSING` in a bundle that took core in
   */
  constructor(flags: readonly string[], env: NodeJS.ProcessEnv, onEnd: (reason: string) => void) {
    if (!existsSync(WORKER)) throw new ThimbleError('ERR_DEVICE_FILE_MISSING', { file: fileURLToPath(WORKER) });
    this.#onEnd = onEnd;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const { byShell, args, options } = childCommand(['--expose-gc', ...flags], env);
    this.process = fork(WORKER, args, {
      ...options,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe', ...(byShell ? (['pipe'] as const) : [])],
    });
    this.process.on('error', ({ message }) => (this.process.pid === undefined ? this.#end(message) : onEnd(message)));
    if (byShell) {
      this.#status = this.#followShell(this.process.stdio[STATUS_PIPE] as Readable);
      // Node lets go of what lies in a child's pipes when the child ends, which the shell does at once; not where somebody listens so.
      this.process.stdio[TENSOR_PIPE]?.on('readable', () => undefined);
    } else {
      this.#pid = this.process.pid;
      this.process.on('exit', (code, signal) => this.#end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    }
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  get ended(): boolean {
    return this.#isEnded;
  }

  kill(): void {
    this.#isKilled = true;
    if (this.#isEnded || this.#pid === undefined) return;
    try {
      process.kill(this.#pid, 'SIGKILL');
    } catch {
      // It ends at this moment, and its end will be told.
    }
  }

  /** Kills it, and waits until it has ended. */
  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isAwaited = true;
    this.hold();
    this.kill();
    await this.#ended;
    this.release();
  }

  /** The program does not end meanwhile. */
  hold(): void {
    for (const handle of this.#handles) handle?.ref?.();
  }

  /** It does not keep the program alive any more; not while its end is waited for, when an answer may still come: a program that ended then would never get behind it. */
  release(): void {
    if (this.#isAwaited && !this.#isEnded) return;
    for (const handle of this.#handles) handle?.unref?.();
  }

  get #handles(): readonly (Unreferenced | null | undefined)[] {
    const { process: child } = this;
    const pipes = [child.stderr, child.stdio[TENSOR_PIPE], this.#status] as readonly (
      | Unreferenced
      | null
      | undefined
    )[];
    return [child, child.channel, ...pipes];
  }

  #followShell(status: Readable): Readable {
    let told = '';
    status.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      const [pid, code, rest] = told.split('\n');
      if (code === undefined) return;
      const known = this.#pid !== undefined;
      this.#pid = Number(pid);
      if (!known && this.#isKilled) this.kill();
      if (rest !== undefined) this.#end(reasonOfStatus(Number(code)));
    });
    return status.on('close', () => this.#end('it did not say how'));
  }

  #end(reason: string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd(reason);
    this.#resolveEnded();
  }
}
