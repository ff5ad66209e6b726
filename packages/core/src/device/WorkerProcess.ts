import { addAbortListener } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { allocatorEnvironment } from './allocatorEnvironment.js';
import { BytePipe } from './BytePipe.js';
import type { DeviceOptions } from './DeviceOptions.js';
import { permissionFlags } from './devicePermissions.js';
import {
  type PipedTensor,
  TENSOR_PIPE,
  type WireTensor,
  type WorkerMethod,
  type WorkerMethods,
  type WorkerRequest,
  type WorkerResponse,
} from './messages.js';
import { WorkerChild } from './WorkerChild.js';
import { receiveWire, sendWire } from './wireTensor.js';
import { withoutTelemetry } from './withoutTelemetry.js';

/** How long aborted work may go on before its process is ended, in milliseconds. */
const ABORT_GRACE = 400;

/** How much of the child's error output is kept for the message of a crash, in characters. */
const STDERR_KEPT = 2000;

type WorkerOptions = Pick<DeviceOptions, 'provider' | 'allocator' | 'memoryLimit' | 'permissions'>;

interface Pending {
  readonly accept: (answer: never) => Promise<void>;
  readonly reject: (error: unknown) => void;
}

/** A child process that computes for a device: answers questions, and is gone when it crashes or is ended. */
export class WorkerProcess {
  readonly #child: WorkerChild;
  readonly #pipe: Duplex;
  readonly #bytes: BytePipe;
  readonly #onGone: () => void;
  readonly #memoryLimit: number | undefined;
  /** The questions that it has not answered. */
  readonly #pending = new Map<number, Pending>();
  #stderr = '';
  #nextId = 1;

  /**
   * @param onGone called when its sessions and tensors are gone: more than once, and before questions that it did not answer fail
   * @throws `ERR_DEVICE_FILE_MISSING`, `ERR_DEVICE_UNAVAILABLE`
   */
  constructor({ provider, allocator = 'keep', memoryLimit, permissions }: WorkerOptions, onGone: () => void) {
    this.#onGone = onGone;
    this.#memoryLimit = memoryLimit;
    const env = { ...process.env, ...allocatorEnvironment(allocator), ...withoutTelemetry, ELECTRON_RUN_AS_NODE: '1' };
    const flags = permissions === undefined ? [] : permissionFlags(permissions, provider);
    this.#child = new WorkerChild(flags, env, (reason) => this.#lose(reason));
    this.#pipe = this.#child.process.stdio[TENSOR_PIPE] as unknown as Duplex;
    // What cannot be written any more is missed by nobody: the child has ended, and its exit tells why.
    this.#pipe.on('error', () => undefined);
    this.#bytes = new BytePipe(this.#pipe);
    this.#child.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    this.#child.process.on('message', (response: WorkerResponse) => this.#settleResponse(response));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether a question is not answered yet. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  /**
   * Asks the child, and gives what `finish` makes of its answer. A child that does not heed an abort in time is killed.
   *
   * @throws `ERR_DEVICE_CRASHED` if the child ends before it answers; what it answers
   */
  async ask<M extends WorkerMethod, R>(
    method: M,
    argument: WorkerMethods[M]['argument'],
    signal: AbortSignal | undefined,
    finish: (answer: WorkerMethods[M]['answer']) => R | Promise<R>,
  ): Promise<R> {
    const id = this.#nextId++;
    const answer = new Promise<R>((resolve, reject) => {
      // It stays pending while its tensors come over the pipe, so that the program does not end meanwhile.
      const accept = async (value: WorkerMethods[M]['answer']): Promise<void> => {
        try {
          const finished = await finish(value);
          this.#settle(id);
          resolve(finished);
        } catch (error) {
          this.#settle(id);
          reject(error);
        }
      };
      this.#pending.set(id, { reject, accept });
    });
    this.#child.hold();
    this.#child.process.send({ id, method, argument }, (error) => {
      if (error !== null) this.#abandon(error.message);
    });
    const stopCancelling = signal === undefined ? undefined : this.#cancelOnAbort(id, signal);
    try {
      return await answer;
    } finally {
      stopCancelling?.();
    }
  }

  /** A tensor of a question that is asked before anything is waited for. */
  send(tensor: Tensor): WireTensor | PipedTensor {
    return sendWire(tensor, this.#pipe);
  }

  /** A tensor of an answer. @throws `ERR_DEVICE_CRASHED`: a child that dies in the middle of a tensor is a crash, however it shows */
  async receive(wire: WireTensor | PipedTensor): Promise<Tensor> {
    try {
      return await receiveWire(wire, this.#bytes);
    } catch (error) {
      throw this.#crash(String(error));
    }
  }

  /** Ends the child, and waits until it has ended. */
  async end(): Promise<void> {
    await this.#child.end();
  }

  /** Nothing more can be sent to the child: it has ended, or is about to, and its exit tells why. */
  #abandon(reason: string): void {
    this.#onGone();
    if (this.#child.ended) this.#lose(reason);
    else this.#child.kill();
  }

  #lose(reason: string): void {
    this.#onGone();
    for (const id of this.#pending.keys()) this.#settle(id)?.reject(this.#crash(reason));
  }

  #crash(reason: string): ThimbleError {
    const limit = this.#memoryLimit === undefined ? {} : { memoryLimit: this.#memoryLimit };
    const said = this.#stderr.trim();
    return new ThimbleError('ERR_DEVICE_CRASHED', { reason, ...limit }, said === '' ? {} : { cause: new Error(said) });
  }

  #settleResponse(response: WorkerResponse): void {
    if (response.ok) {
      void this.#pending.get(response.id)?.accept(response.answer as never);
      return;
    }
    this.#settle(response.id)?.reject(errorOf(response));
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    // A child with nothing to do does not keep the program alive: one that never calls `dispose` can still end.
    if (this.#pending.size === 0) this.#child.release();
    return pending;
  }

  #cancelOnAbort(id: number, signal: AbortSignal): () => void {
    let timer: NodeJS.Timeout | undefined;
    const listener = addAbortListener(signal, () => {
      if (this.#child.process.connected) this.#child.process.send({ id, method: 'cancel' } satisfies WorkerRequest);
      timer = setTimeout(() => this.#child.kill(), ABORT_GRACE);
    });
    return () => {
      listener[Symbol.dispose]();
      clearTimeout(timer);
    };
  }
}

/** What the worker threw, as it is thrown here. */
function errorOf({ code, details, outOfRange, cause }: Extract<WorkerResponse, { ok: false }>): Error {
  if (code === undefined && outOfRange) return new RangeError(cause);
  const options = cause === undefined ? {} : { cause: new Error(cause) };
  if (code !== undefined) return new ThimbleError(code, details, options);
  return new ThimbleError('ERR_RUNTIME_RUN', { segment: 'worker', reason: 'it met what it does not know' }, options);
}
