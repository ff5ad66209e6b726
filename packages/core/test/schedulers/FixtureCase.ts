import { readFileSync } from 'node:fs';
import { Tensor } from 'onnxruntime-common';

interface Header {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

interface Expectation {
  readonly tensor: string;
  readonly atol: number;
  readonly rtol: number;
}

/** One call that a fixture recorded. */
export interface FixtureCall {
  readonly name: string;
  readonly call: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly in: Readonly<Record<string, string>>;
  readonly out: Readonly<Record<string, Expectation>>;
}

const READERS: Readonly<Record<string, (bytes: ArrayBuffer) => number[]>> = {
  F32: (bytes) => [...new Float32Array(bytes)],
  I64: (bytes) => [...new BigInt64Array(bytes)].map(Number),
  I32: (bytes) => [...new Int32Array(bytes)],
  U8: (bytes) => [...new Uint8Array(bytes)],
};

/** A folder with `case.json` and `case.safetensors`: what Python computed. */
export class FixtureCase {
  readonly calls: readonly FixtureCall[];
  readonly #file: Buffer;
  readonly #headers: Readonly<Record<string, Header>>;
  readonly #dataStart: number;

  constructor(name: string) {
    const folder = new URL(`../fixtures/${name}/`, import.meta.url);
    this.calls = (JSON.parse(readFileSync(new URL('case.json', folder), 'utf8')) as { calls: FixtureCall[] }).calls;
    this.#file = readFileSync(new URL('case.safetensors', folder));
    const length = Number(this.#file.readBigUInt64LE(0));
    this.#dataStart = 8 + length;
    this.#headers = JSON.parse(this.#file.toString('utf8', 8, this.#dataStart)) as Record<string, Header>;
  }

  numbers(tensor: string): number[] {
    const {
      dtype,
      data_offsets: [start, end],
    } = this.#headers[tensor]!;
    const bytes = this.#file.subarray(this.#dataStart + start, this.#dataStart + end);
    return READERS[dtype]!(new Uint8Array(bytes).buffer);
  }

  shape(tensor: string): readonly number[] {
    return this.#headers[tensor]!.shape;
  }

  tensor(name: string): Tensor {
    return new Tensor('float32', new Float32Array(this.numbers(name)), this.shape(name));
  }

  /** The largest of `|got - expected| - (atol + rtol |expected|)`: not above 0 when all is right. */
  excess(expectation: Expectation, got: ArrayLike<number>): number {
    const expected = this.numbers(expectation.tensor);
    if (expected.length !== got.length) return Infinity;
    return expected.reduce((worst, value, i) => {
      const excess = Math.abs(got[i]! - value) - (expectation.atol + expectation.rtol * Math.abs(value));
      return Number.isNaN(excess) ? Infinity : Math.max(worst, excess);
    }, -Infinity);
  }
}
