import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tensor } from '@thimble/core';
import { SafetensorsFile } from '@thimble/core/plugin';
import type { LoraScale } from '../src/index.js';

interface Expected {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly atol: number;
  readonly rtol: number;
}

/** One call of a fixture. */
export interface LoraCall {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>> & {
    readonly file?: string;
    readonly files?: readonly string[];
    /** In `lora`. */
    readonly scale?: number;
    /** In `lora-more`: one for each file. */
    readonly weights?: readonly LoraScale[];
    readonly lora_scale?: number;
  };
  readonly in: Readonly<Record<string, string>>;
  readonly out: Readonly<Record<string, Expected>>;
  readonly lora?: Readonly<Record<string, { readonly file: string; readonly weight: number }>>;
  readonly equals_definition?: boolean;
}

/** Where core has its fixtures. */
export const FIXTURES = fileURLToPath(new URL('../../core/test/fixtures/', import.meta.url));

/** A fixture of LoRA files and of what diffusers makes of them. */
export class LoraFixture {
  readonly calls: readonly LoraCall[];
  readonly #folder: string;

  constructor(name: 'lora' | 'lora-more') {
    this.#folder = `${FIXTURES}${name}`;
    this.calls = (JSON.parse(readFileSync(`${this.#folder}/case.json`, 'utf8')) as { calls: LoraCall[] }).calls;
  }

  call(name: string): LoraCall {
    return this.calls.find((call) => call.name === name)!;
  }

  file(name: string): string {
    return `${this.#folder}/${name}`;
  }

  async read(name: string): Promise<Tensor> {
    const file = await SafetensorsFile.open(`${this.#folder}/case.safetensors`);
    const { dtype, shape } = file.tensor(name);
    const { buffer } = await file.read(name);
    return dtype === 'I64'
      ? new Tensor('int64', new BigInt64Array(buffer as ArrayBuffer), shape)
      : new Tensor('float32', new Float32Array(buffer), shape);
  }

  async inputsOf(call: LoraCall): Promise<Record<string, Tensor>> {
    const inputs = Object.entries(call.in).map(async ([name, tensor]) => [name, await this.read(tensor)] as const);
    return Object.fromEntries(await Promise.all(inputs));
  }

  /** Largest distance of an output from what is expected, in tolerances; of the last part of it where `got` is shorter. */
  async excess({ out }: LoraCall, name: string, got: Tensor): Promise<number> {
    const { tensor, atol, rtol } = out[name]!;
    const all = (await this.read(tensor)).data as Float32Array;
    const data = got.data as Float32Array;
    return data.reduce((worst, value, i) => {
      const want = all[all.length - data.length + i]!;
      const distance = Math.abs(value - want) / (atol + rtol * Math.abs(want));
      return Number.isNaN(distance) ? Infinity : Math.max(worst, distance);
    }, 0);
  }
}
