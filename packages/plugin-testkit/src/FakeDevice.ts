import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExecutionProvider, Tensor, ThimbleError } from '@thimble/core';
import {
  type Device,
  type DeviceRows,
  type DeviceTensor,
  OPTIMIZED_GRAPH,
  type OnnxModel,
  type OptimizationTarget,
  type ProcessMemory,
  type Program,
  type ProgramResult,
  type ProgramStep,
  type RowRange,
  type RowsOptions,
} from '@thimble/core/plugin';
import { type OnnxPort, readOnnxOutputs } from './readOnnxOutputs.js';

/** What outputs begin with is at one of so many places in {@link WAVE}. */
const PHASES = 1000;
/** After so many numbers an output repeats itself: a prime, so that no two rows or channels are alike. */
const PERIOD = 4093;
const WAVE = Float32Array.from({ length: PHASES + PERIOD }, (_, i) => Math.sin(i * 0.37));

interface FakeSession {
  readonly name: string;
  readonly outputs: readonly OnnxPort[];
}

/** What ONNX's element types are as tensors. */
const ELEMENTS: Readonly<
  Record<
    number,
    {
      readonly type: 'float32' | 'int64' | 'float16' | 'bool';
      readonly create: (length: number) => Float32Array | BigInt64Array | Uint16Array | Uint8Array;
    }
  >
> = {
  1: { type: 'float32', create: (length) => new Float32Array(length) },
  7: { type: 'int64', create: (length) => new BigInt64Array(length) },
  9: { type: 'bool', create: (length) => new Uint8Array(length) },
  10: { type: 'float16', create: (length) => new Uint16Array(length) },
};

/**
 * A device that keeps books and computes next to nothing, for tests of what a plugin does and when. Sessions, tensors and sizes are those of a real
 * device; the numbers are made of the names of segments and outputs and of the bits of the inputs, sample by sample: the same inputs give the same
 * numbers, other inputs give others. They depend on neither graphs nor weights, so use a real device to test a plugin that changes those.
 */
export class FakeDevice implements Device {
  readonly provider: ExecutionProvider = 'cpu';
  readonly generation = 1;
  readonly #sessions = new Map<number, FakeSession>();
  readonly #tensors = new Map<number, Tensor>();
  readonly #rows = new Map<number, Tensor>();
  #nextId = 1;
  #disposed = false;

  async load(model: OnnxModel): Promise<number> {
    this.#assertAlive();
    const id = this.#nextId++;
    const graphs = model.parts ?? [model];
    this.#sessions.set(id, { name: model.name, outputs: graphs.flatMap(({ bytes }) => readOnnxOutputs(bytes)) });
    return id;
  }

  /** Writes the graph as it is, where a real device writes what it made of it. */
  async optimize({ bytes }: OnnxModel, { folder }: OptimizationTarget): Promise<void> {
    this.#assertAlive();
    await writeFile(join(folder, OPTIMIZED_GRAPH), bytes);
  }

  async unload(session: number): Promise<void> {
    this.#sessions.delete(session);
  }

  async run(program: Program, signal?: AbortSignal): Promise<ProgramResult> {
    this.#assertAlive();
    const values = new Map<string, Tensor>(
      Object.entries(program.inputs).map(([name, input]) => [name, this.#tensorOf(input)]),
    );
    for (const step of program.steps) {
      signal?.throwIfAborted();
      this.#step(step, values);
      // As a real one does, it lets others act between two segments.
      await Promise.resolve();
    }
    signal?.throwIfAborted();
    return this.#resultOf(program, values);
  }

  async upload(tensor: Tensor): Promise<DeviceTensor> {
    this.#assertAlive();
    return this.#keep(tensor);
  }

  async download({ id }: DeviceTensor): Promise<Tensor> {
    return this.#kept(id);
  }

  async createRows(options: RowsOptions): Promise<DeviceRows> {
    this.#assertAlive();
    const { type, outer, rows, inner } = options;
    const length = outer * rows * inner;
    const id = this.#nextId++;
    this.#rows.set(
      id,
      new Tensor(
        type as 'float32',
        (type === 'float32' ? new Float32Array(length) : new Uint16Array(length)) as Float32Array,
        [1, outer, rows, inner],
      ),
    );
    return { ...options, id };
  }

  async free(tensors: readonly (DeviceTensor | DeviceRows)[]): Promise<void> {
    for (const { id } of tensors) {
      this.#tensors.delete(id);
      this.#rows.delete(id);
    }
  }

  /** Reads nothing. */
  async prefetch(): Promise<void> {
    this.#assertAlive();
  }

  memory(): ProcessMemory | undefined {
    return undefined;
  }

  async usage(): Promise<{ readonly sessions: number; readonly tensors: number }> {
    return { sessions: this.#sessions.size, tensors: this.#tensors.size + this.#rows.size };
  }

  async trim(): Promise<void> {
    // It holds nothing that could be given back.
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    for (const held of [this.#sessions, this.#tensors, this.#rows]) held.clear();
  }

  #step({ session, feeds, results, release }: ProgramStep, values: Map<string, Tensor>): void {
    const loaded = this.#sessions.get(session);
    if (loaded === undefined)
      throw new ThimbleError('ERR_RUNTIME_RUN', { segment: String(session), reason: 'the session is not loaded' });
    const inputs = Object.values(feeds).map((name) => valueOf(values, name));
    for (const [port, name] of Object.entries(results)) values.set(name, fakeOutput(loaded, port, inputs));
    for (const name of release) values.delete(name);
  }

  #resultOf({ outputs }: Program, values: ReadonlyMap<string, Tensor>): ProgramResult {
    const downloaded: Record<string, Tensor> = {};
    const kept: Record<string, DeviceTensor> = {};
    for (const [name, target] of Object.entries(outputs)) {
      const tensor = valueOf(values, name);
      if (target === 'download') downloaded[name] = tensor;
      else if (target === 'keep') kept[name] = this.#keep(tensor);
      else this.#writeRows(target, tensor);
    }
    return { downloaded, kept, durations: [] };
  }

  #tensorOf(input: Tensor | DeviceTensor | RowRange): Tensor {
    if ('of' in input) return this.#readRows(input);
    return 'id' in input ? this.#kept(input.id) : input;
  }

  #readRows({ of, start, count }: RowRange): Tensor {
    const stored = this.#rowsOf(of.id).data as Float32Array;
    const part = stored.slice(0, of.outer * count * of.inner);
    for (let channel = 0; channel < of.outer; channel++) {
      const from = (channel * of.rows + start) * of.inner;
      part.set(stored.subarray(from, from + count * of.inner), channel * count * of.inner);
    }
    return new Tensor(of.type as 'float32', part, [1, of.outer, count, of.inner]);
  }

  #writeRows({ of, start, count }: RowRange, { data }: Tensor): void {
    const stored = this.#rowsOf(of.id).data as Float32Array;
    for (let channel = 0; channel < of.outer; channel++) {
      const from = channel * count * of.inner;
      stored.set(
        (data as Float32Array).subarray(from, from + count * of.inner),
        (channel * of.rows + start) * of.inner,
      );
    }
  }

  #keep(tensor: Tensor): DeviceTensor {
    const id = this.#nextId++;
    this.#tensors.set(id, tensor);
    return { id, type: tensor.type, dims: tensor.dims };
  }

  #kept(id: number): Tensor {
    return this.#tensors.get(id) ?? gone(id);
  }

  #rowsOf(id: number): Tensor {
    return this.#rows.get(id) ?? gone(id);
  }

  #assertAlive(): void {
    if (this.#disposed) throw new ThimbleError('ERR_DISPOSED', { object: 'device' });
  }
}

function gone(id: number): never {
  throw new ThimbleError('ERR_DEVICE_TENSOR_GONE', { id });
}

function valueOf(values: ReadonlyMap<string, Tensor>, name: string): Tensor {
  const tensor = values.get(name);
  if (tensor === undefined)
    throw new ThimbleError('ERR_RUNTIME_RUN', { segment: name, reason: 'the value was not computed' });
  return tensor;
}

/** Numbers between -1 and 1 that follow from names and from the inputs, of the same sample where there is one. */
function fakeOutput({ name, outputs }: FakeSession, port: string, inputs: readonly Tensor[]): Tensor {
  const output = outputs.find((candidate) => candidate.name === port);
  const element = ELEMENTS[output?.elementType ?? 0];
  if (output === undefined || element === undefined)
    throw new ThimbleError('ERR_RUNTIME_RUN', {
      segment: name,
      reason: `the graph has no output "${port}" that a fake device can make`,
    });
  const { dims } = output;
  const data = element.create(dims.reduce((a, b) => a * b, 1));
  if (data instanceof Float32Array) fill(data, dims[0] ?? 1, `${name} ${port}`, inputs);
  return new Tensor(element.type as 'float32', data as Float32Array, dims);
}

function fill(data: Float32Array, samples: number, seed: string, inputs: readonly Tensor[]): void {
  const size = data.length / samples;
  for (let sample = 0; sample < samples; sample++) {
    const hash = createHash('sha1').update(seed);
    for (const input of inputs) hash.update(bytesOf(input, sample, samples));
    const phase = hash.digest().readUInt32LE(0) % PHASES;
    const own = data.subarray(sample * size, (sample + 1) * size);
    for (let at = 0; at < size; at += PERIOD) own.set(WAVE.subarray(phase, phase + Math.min(PERIOD, size - at)), at);
  }
}

/** Every bit of one sample; of all samples where there are not as many. */
function bytesOf({ data, dims }: Tensor, sample: number, samples: number): Uint8Array {
  const values = data as Float32Array;
  const size = dims[0] === samples ? values.length / samples : values.length;
  const start = dims[0] === samples ? sample * size : 0;
  const { buffer, byteOffset, byteLength } = values.subarray(start, start + size);
  return new Uint8Array(buffer, byteOffset, byteLength);
}
