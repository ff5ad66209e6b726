import { Socket } from 'node:net';
import type { Tensor } from 'onnxruntime-common';
import { isThimbleError, ThimbleError } from '../errors.js';
import { BytePipe } from './BytePipe.js';
import {
  type PipedTensor,
  TENSOR_PIPE,
  type WireProgram,
  type WireTensor,
  type WorkerRequest,
  type WorkerResponse,
} from './messages.js';
import type { Program } from './Program.js';
import { Runtime } from './Runtime.js';
import { receiveWire, sendWire } from './wireTensor.js';
import { yieldMemory } from './yieldMemory.js';

// The entry point of ProcessDevice's child: answers one question at a time, in order.

// The next call starts another process; the application would be gone.
yieldMemory();

const pipe = new Socket({ fd: TENSOR_PIPE, readable: true, writable: true });
pipe.on('error', () => process.exit(0));
const bytes = new BytePipe(pipe);
let runtime: Runtime | undefined;
let queue: Promise<void> = Promise.resolve();
const cancelled = new Set<number>();

process.on('message', (request: WorkerRequest) => {
  if (request.method === 'cancel') {
    cancelled.add(request.id);
    return;
  }
  queue = queue.then(() => answer(request));
});
process.on('disconnect', () => process.exit(0));
// The parent decides what Ctrl-C means; the terminal sends it to both.
process.on('SIGINT', () => undefined);

async function answer(request: Exclude<WorkerRequest, { method: 'cancel' }>): Promise<void> {
  const { id } = request;
  try {
    send({ id, ok: true, answer: await perform(request) });
  } catch (error) {
    const known = isThimbleError(error) ? error : undefined;
    send({
      id,
      ok: false,
      code: known?.code,
      details: known?.details ?? {},
      outOfRange: error instanceof RangeError,
      cause: textOf(known === undefined ? error : known.cause),
    });
  } finally {
    cancelled.delete(id);
    runtime?.settle();
  }
}

function textOf(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  return error instanceof Object && 'message' in error ? String(error.message) : JSON.stringify(error);
}

async function perform(request: Exclude<WorkerRequest, { method: 'cancel' }>): Promise<unknown> {
  if (request.method === 'start') {
    runtime = new Runtime(request.argument.options, request.argument.firstId);
    runtime.warmUp();
    return undefined;
  }
  if (runtime === undefined)
    throw new ThimbleError('ERR_DEVICE_UNAVAILABLE', { provider: 'cpu', reason: 'its process was not started' });
  switch (request.method) {
    case 'load':
      return runtime.load(request.argument);
    case 'optimize':
      return runtime.optimize(request.argument.model, request.argument.target);
    case 'unload':
      return runtime.unload(request.argument);
    case 'upload':
      return runtime.upload(await receiveWire(request.argument, bytes));
    case 'download':
      return sendTensor(runtime.download(request.argument));
    case 'createRows':
      return runtime.createRows(request.argument);
    case 'free':
      return runtime.free(request.argument);
    case 'usage':
      return runtime.usage;
    case 'run': {
      const { inputs, ...program } = request.argument;
      const result = await runtime.run({ ...program, inputs: await receiveInputs(inputs) }, () =>
        cancelled.has(request.id),
      );
      return { ...result, downloaded: mapValues(result.downloaded, sendTensor) };
    }
  }
}

/** In the order in which they were sent, and all of them: what is left in the pipe would be taken for the next one. */
async function receiveInputs(inputs: WireProgram['inputs']): Promise<Program['inputs']> {
  const received: Record<string, Program['inputs'][string]> = {};
  for (const [name, value] of Object.entries(inputs))
    received[name] = 'id' in value || 'of' in value ? value : await receiveWire(value, bytes);
  return received;
}

function sendTensor(tensor: Tensor): WireTensor | PipedTensor {
  return sendWire(tensor, pipe);
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

function send(response: WorkerResponse): void {
  if (process.connected) process.send?.(response);
}
