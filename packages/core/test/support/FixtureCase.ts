import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tensor } from 'onnxruntime-common';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';

interface ExpectedTensor {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly atol: number;
  readonly rtol: number;
}

interface FixtureCall {
  readonly name: string;
  readonly call: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly in: Readonly<Record<string, string>>;
  readonly out: Readonly<Record<string, ExpectedTensor>>;
  /** The config of the scheduler, where it is not the checkpoint's. */
  readonly scheduler?: Readonly<Record<string, unknown>>;
  /** Tensors of the noise that was drawn, in order. */
  readonly draws?: readonly string[];
}

const TYPES: Readonly<Record<string, 'float32' | 'int64' | 'int32' | 'uint8'>> = {
  F32: 'float32',
  I64: 'int64',
  I32: 'int32',
  U8: 'uint8',
};

/** One case of the oracle data: what was called, with what, and what diffusers returned. */
export class FixtureCase {
  readonly folder: string;
  readonly calls: readonly FixtureCall[];
  readonly #tensors: SafetensorsFile;

  private constructor(folder: string, calls: readonly FixtureCall[], tensors: SafetensorsFile) {
    this.folder = folder;
    this.calls = calls;
    this.#tensors = tensors;
  }

  static async open(name: string): Promise<FixtureCase> {
    const folder = fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
    const { calls } = JSON.parse(readFileSync(`${folder}/case.json`, 'utf8')) as { calls: FixtureCall[] };
    return new FixtureCase(folder, calls, await SafetensorsFile.open(`${folder}/case.safetensors`));
  }

  call(name: string): FixtureCall {
    const found = this.calls.find((call) => call.name === name);
    if (found === undefined) throw new Error(`no call ${name} in ${this.folder}`);
    return found;
  }

  async tensor(name: string): Promise<Tensor> {
    const info = this.#tensors.tensors.get(name);
    if (info === undefined) throw new Error(`no tensor ${name}`);
    const bytes = await this.#tensors.read(name);
    const buffer = bytes.slice().buffer;
    const type = TYPES[info.dtype];
    switch (type) {
      case 'float32':
        return new Tensor(type, new Float32Array(buffer), info.shape);
      case 'int64':
        return new Tensor(type, new BigInt64Array(buffer), info.shape);
      case 'int32':
        return new Tensor(type, new Int32Array(buffer), info.shape);
      case 'uint8':
        return new Tensor(type, new Uint8Array(buffer), info.shape);
      default:
        throw new Error(`dtype ${info.dtype}`);
    }
  }

  /** The inputs of a call, as tensors. */
  async inputs(name: string): Promise<Record<string, Tensor>> {
    const entries = Object.entries(this.call(name).in);
    return Object.fromEntries(
      await Promise.all(entries.map(async ([key, tensor]) => [key, await this.tensor(tensor)] as const)),
    );
  }

  /** Largest |got - expected| / (atol + rtol |expected|) over all elements: right if at most 1; Infinity for another shape or a NaN. */
  async excess(name: string, output: string, got: Tensor): Promise<number> {
    const expected = this.call(name).out[output];
    if (expected === undefined) throw new Error(`no output ${output} of ${name}`);
    const want = await this.tensor(expected.tensor);
    if (got.dims.join() !== want.dims.join()) return Infinity;
    let worst = 0;
    for (let i = 0; i < want.size; i++) {
      const [a, b] = [Number(got.data[i]), Number(want.data[i])];
      const limit = expected.atol + expected.rtol * Math.abs(b);
      const excess = a === b ? 0 : Math.abs(a - b) / limit;
      if (!(excess <= worst)) worst = Number.isNaN(excess) ? Infinity : excess;
    }
    return worst;
  }
}
