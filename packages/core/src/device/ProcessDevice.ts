import { fork, type ChildProcess } from 'node:child_process';
import { addAbortListener, once } from 'node:events';
import type { Readable } from 'node:stream';
import type { Tensor } from 'onnxruntime-common';
import { isThimbleError, ThimbleError } from '../errors.js';
import { BytePipe } from './BytePipe.js';
import type { Device } from './Device.js';
import { allocatorEnvironment } from './allocatorEnvironment.js';
import type { DeviceOptions } from './DeviceOptions.js';
import type { DeviceRows, RowsOptions } from './DeviceRows.js';
import type { DeviceTensor } from './DeviceTensor.js';
import type { ExecutionProvider } from './ExecutionProvider.js';
import type { FileRange } from './FileRange.js';
import {
  type PipedTensor,
  TENSOR_PIPE,
  type WireTensor,
  type WorkerMethod,
  type WorkerMethods,
  type WorkerRequest,
  type WorkerResponse,
} from './messages.js';
import type { OnnxModel } from './OnnxModel.js';
import type { OptimizationTarget } from './OptimizationTarget.js';
import type { ProcessMemory } from './ProcessMemory.js';
import type { Program, ProgramResult } from './Program.js';
import { readAhead } from './readAhead.js';
import { readProcessMemory } from './readProcessMemory.js';
import { receiveWire, toWire, toWireInput } from './wireTensor.js';

/** How long an aborted run may go on before its process is ended, in milliseconds. */
const ABORT_GRACE = 1000;

/** Numbers of sessions and tensors that one child may give out; those of different children never meet. */
const IDS_PER_CHILD = 2 ** 40;

/** How much of the child's error output is kept for the message of a crash, in characters. */
const STDERR_KEPT = 2000;

// Compiled, the worker lies beside this file; run from source (tests), it is the compiled one, which a plain Node can start.
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/device/worker.js' : './worker.js',
  import.meta.url,
);

interface Pending {
  readonly accept: (answer: never) => Promise<void>;
  readonly reject: (error: unknown) => void;
}

/** A running child, and the questions it has not answered. */
interface Child {
  readonly process: ChildProcess;
  readonly pending: Map<number, Pending>;
  readonly bytes: BytePipe;
  stderr: string;
}

/**
 * A device in a child process (the default): the event loop stays free, an abort is exact, a crash is a typed error after which
 * the next call starts a fresh child, and all memory comes back when it ends.
 */
export class ProcessDevice implements Device {
  readonly provider: ExecutionProvider;
  readonly #options: DeviceOptions;
  #child: Promise<Child> | undefined;
  #running: Child | undefined;
  #generation = 0;
  #nextId = 1;
  #disposed = false;

  constructor(options: DeviceOptions) {
    this.provider = options.provider;
    this.#options = options;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The child's process number; `undefined` while none runs. */
  get pid(): number | undefined {
    return this.#running?.process.pid;
  }

  async load(model: OnnxModel): Promise<number> {
    return this.#ask('load', model);
  }

  async optimize(model: OnnxModel, target: OptimizationTarget): Promise<void> {
    await this.#ask('optimize', { model, target });
  }

  async unload(session: number): Promise<void> {
    if (this.#running !== undefined) await this.#ask('unload', session);
  }

  async run(program: Program, signal?: AbortSignal): Promise<ProgramResult> {
    signal?.throwIfAborted();
    const inputs = Object.fromEntries(
      Object.entries(program.inputs).map(([name, value]) => [name, toWireInput(value)]),
    );
    try {
      return await this.#ask('run', { ...program, inputs }, signal, async (result, child) => {
        const received = Object.entries(result.downloaded).map(
          async ([name, wire]) => [name, await receive(child, wire)] as const,
        );
        return { ...result, downloaded: Object.fromEntries(await Promise.all(received)) };
      });
    } catch (error) {
      if (isThimbleError(error, 'ERR_CANCELLED') || isThimbleError(error, 'ERR_DEVICE_CRASHED'))
        signal?.throwIfAborted();
      throw error;
    }
  }

  async upload(tensor: Tensor): Promise<DeviceTensor> {
    return this.#ask('upload', toWire(tensor));
  }

  async download(tensor: DeviceTensor): Promise<Tensor> {
    return this.#ask('download', tensor.id, undefined, (wire, child) => receive(child, wire));
  }

  async createRows(options: RowsOptions): Promise<DeviceRows> {
    return this.#ask('createRows', options);
  }

  async free(tensors: readonly (DeviceTensor | DeviceRows)[]): Promise<void> {
    if (this.#running !== undefined && tensors.length > 0)
      await this.#ask(
        'free',
        tensors.map((tensor) => tensor.id),
      );
  }

  async prefetch(ranges: readonly FileRange[], signal?: AbortSignal): Promise<void> {
    await readAhead(ranges, signal);
  }

  memory(): ProcessMemory | undefined {
    const { pid } = this;
    return pid === undefined ? undefined : readProcessMemory(pid);
  }

  async usage(): Promise<{ readonly sessions: number; readonly tensors: number }> {
    return this.#running === undefined ? { sessions: 0, tensors: 0 } : this.#ask('usage', undefined);
  }

  async trim(): Promise<void> {
    const child = this.#running;
    if (child === undefined || this.#disposed) return;
    const { sessions, tensors } = await this.usage();
    if (sessions + tensors > 0 || child.pending.size > 0 || this.#running !== child) return;
    this.#forget(child);
    await end(child);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const child = await this.#child?.catch(() => undefined);
    if (child !== undefined) await end(child);
  }

  async #ask<M extends WorkerMethod, R = WorkerMethods[M]['answer']>(
    method: M,
    argument: WorkerMethods[M]['argument'],
    signal?: AbortSignal,
    finish: (answer: WorkerMethods[M]['answer'], child: Child) => R | Promise<R> = (answer) => answer as R,
  ): Promise<R> {
    if (this.#disposed) throw new ThimbleError('ERR_DISPOSED', { object: 'device' });
    this.#child ??= this.#start();
    const child = await this.#child;
    return this.#send(child, method, argument, signal, finish);
  }

  async #send<M extends WorkerMethod, R>(
    child: Child,
    method: M,
    argument: WorkerMethods[M]['argument'],
    signal: AbortSignal | undefined,
    finish: (answer: WorkerMethods[M]['answer'], child: Child) => R | Promise<R>,
  ): Promise<R> {
    const id = this.#nextId++;
    const answer = new Promise<R>((resolve, reject) => {
      // It stays pending while its tensors come over the pipe, so that the program does not end meanwhile.
      const accept = async (value: WorkerMethods[M]['answer']): Promise<void> => {
        try {
          const finished = await finish(value, child);
          settle(child, id);
          resolve(finished);
        } catch (error) {
          settle(child, id);
          reject(error);
        }
      };
      child.pending.set(id, { reject, accept });
    });
    hold(child);
    child.process.send({ id, method, argument }, (error) => {
      if (error !== null) this.#abandon(child, error.message);
    });
    const stopCancelling = signal === undefined ? undefined : cancelOnAbort(child, id, signal);
    try {
      return await answer;
    } finally {
      stopCancelling?.();
    }
  }

  async #start(): Promise<Child> {
    this.#generation++;
    const started = fork(WORKER, [], {
      serialization: 'advanced',
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc', 'pipe'],
      env: { ...process.env, ...allocatorEnvironment[this.#options.allocator ?? 'keep'], ELECTRON_RUN_AS_NODE: '1' },
    });
    const child: Child = {
      process: started,
      pending: new Map(),
      bytes: new BytePipe(started.stdio[TENSOR_PIPE] as Readable),
      stderr: '',
    };
    this.#running = child;
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      child.stderr = (child.stderr + text).slice(-STDERR_KEPT);
    });
    started.on('message', (response: WorkerResponse) => settleResponse(child, response));
    started.on('error', (error) => this.#lose(child, error.message));
    started.on('exit', (code, signal) => this.#lose(child, signal === null ? `exit code ${code}` : `signal ${signal}`));
    await this.#send(
      child,
      'start',
      { options: this.#options, firstId: this.#generation * IDS_PER_CHILD },
      undefined,
      () => undefined,
    );
    return child;
  }

  /** From now on the child's sessions and tensors are gone. */
  #forget(child: Child): void {
    if (this.#running !== child) return;
    this.#running = undefined;
    this.#child = undefined;
    this.#generation++;
  }

  /** Nothing more can be sent to the child: it has ended, or is about to, and its exit tells why. */
  #abandon(child: Child, reason: string): void {
    this.#forget(child);
    if (child.process.exitCode !== null || child.process.signalCode !== null) this.#lose(child, reason);
    else child.process.kill('SIGKILL');
  }

  #lose(child: Child, reason: string): void {
    this.#forget(child);
    for (const id of child.pending.keys()) settle(child, id)?.reject(crash(child, reason));
  }
}

function settleResponse(child: Child, response: WorkerResponse): void {
  if (response.ok) {
    void child.pending.get(response.id)?.accept(response.answer as never);
    return;
  }
  const { code, details, message } = response;
  const error =
    code === undefined
      ? new ThimbleError('ERR_RUNTIME_RUN', { segment: 'worker', text: message })
      : new ThimbleError(code, details);
  settle(child, response.id)?.reject(error);
}

/** A child that dies in the middle of a tensor is a crash, however it shows. */
async function receive(child: Child, wire: WireTensor | PipedTensor): Promise<Tensor> {
  try {
    return await receiveWire(wire, child.bytes);
  } catch (error) {
    throw crash(child, String(error));
  }
}

function settle(child: Child, id: number): Pending | undefined {
  const pending = child.pending.get(id);
  child.pending.delete(id);
  if (child.pending.size === 0) release(child);
  return pending;
}

/** A child with nothing to do does not keep the program alive: one that never calls `dispose` can still end. */
function release({ process: child }: Child): void {
  child.unref();
  child.channel?.unref();
  for (const stream of [child.stderr, child.stdio[TENSOR_PIPE]])
    (stream as unknown as { unref?: () => void } | null)?.unref?.();
}

function hold({ process: child }: Child): void {
  child.ref();
  child.channel?.ref();
  (child.stdio[TENSOR_PIPE] as unknown as { ref?: () => void } | null)?.ref?.();
}

function cancelOnAbort(child: Child, id: number, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const listener = addAbortListener(signal, () => {
    if (child.process.connected) child.process.send({ id, method: 'cancel' } satisfies WorkerRequest);
    timer = setTimeout(() => child.process.kill('SIGKILL'), ABORT_GRACE);
  });
  return () => {
    listener[Symbol.dispose]();
    clearTimeout(timer);
  };
}

function crash(child: Child, reason: string): ThimbleError {
  return new ThimbleError('ERR_DEVICE_CRASHED', { reason, stderr: child.stderr.trim() });
}

async function end(child: Child): Promise<void> {
  if (child.process.exitCode !== null || child.process.signalCode !== null) return;
  const exited = once(child.process, 'exit');
  child.process.ref();
  child.process.kill('SIGKILL');
  await exited;
}
