import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '@jest/globals';
import { type Component, DiffusionPipeline, Tensor } from '@thimble/core';
import { SafetensorsFile } from '@thimble/core/plugin';

interface Expected {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly atol: number;
  readonly rtol: number;
}

/** One call of a VAE by diffusers, with what it gave. */
export interface VaeCase {
  readonly name: string;
  readonly call: string;
  readonly args: { readonly tiling?: boolean; readonly slicing?: boolean };
  readonly in: Readonly<Record<string, string>>;
  readonly out: Readonly<Record<string, Expected>>;
}

const FOLDER = fileURLToPath(new URL('../../core/test/fixtures/vae-tiling', import.meta.url));

/** The fixture of tiled and untiled VAEs. */
export class VaeFixture {
  readonly cases: readonly VaeCase[];
  readonly #tensors: SafetensorsFile;

  private constructor(cases: readonly VaeCase[], tensors: SafetensorsFile) {
    this.cases = cases;
    this.#tensors = tensors;
  }

  static async open(): Promise<VaeFixture> {
    return new VaeFixture(VaeFixture.list(), await SafetensorsFile.open(`${FOLDER}/case.safetensors`));
  }

  /** The cases alone, for naming tests. */
  static list(): readonly VaeCase[] {
    return (JSON.parse(readFileSync(`${FOLDER}/case.json`, 'utf8')) as { calls: VaeCase[] }).calls;
  }

  named(name: string): VaeCase {
    return this.cases.find((one) => one.name === name) as VaeCase;
  }

  /** A pipeline with the VAE alone: `kl` and others, by their folders. `inline` false: in a process of its own. */
  async pipeline(model: string, inline = true): Promise<DiffusionPipeline> {
    return DiffusionPipeline.fromPretrained(resolve(FOLDER, model), {
      memoryLimit: 'none',
      ...(inline ? { deviceOptions: { inline: true, threads: 1 } } : {}),
    });
  }

  async inputOf(one: VaeCase): Promise<Tensor> {
    return this.#tensor(Object.values(one.in)[0] as string);
  }

  async run(vae: Component, one: VaeCase): Promise<Tensor> {
    const x = await this.inputOf(one);
    return one.call.endsWith('encode') ? (await vae.encode({ x })).moments : (await vae.decode({ z: x })).sample;
  }

  /** Largest distance from what diffusers computed, in tolerances. */
  async excess(vae: Component, one: VaeCase): Promise<number> {
    const got = await this.run(vae, one);
    const { tensor: name, shape, atol, rtol } = Object.values(one.out)[0] as Expected;
    expect(got.dims).toEqual(shape);
    const want = (await this.#tensor(name)).data as Float32Array;
    return want.reduce(
      (worst, b, i) => Math.max(worst, Math.abs((got.data as Float32Array)[i]! - b) / (atol + rtol * Math.abs(b))),
      0,
    );
  }

  async #tensor(name: string): Promise<Tensor> {
    return new Tensor('float32', await this.#tensors.readFloat32(name), this.#tensors.tensors.get(name)!.shape);
  }
}

/** Largest distance between two tensors of one shape. */
export function distance(a: Tensor, b: Tensor): number {
  expect(a.dims).toEqual(b.dims);
  return (a.data as Float32Array).reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - (b.data as Float32Array)[i]!)),
    0,
  );
}

/** How much two tensors have in common, 1 for the same: their correlation. */
export function correlation(a: Tensor, b: Tensor): number {
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  const mean = (of: Float32Array): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [mx, my] = [mean(x), mean(y)];
  const product = (p: (i: number) => number, q: (i: number) => number): number =>
    x.reduce((sum, _, i) => sum + p(i) * q(i), 0);
  const [dx, dy] = [(i: number): number => x[i]! - mx, (i: number): number => y[i]! - my];
  return product(dx, dy) / Math.sqrt(product(dx, dx) * product(dy, dy));
}

/** Numbers that look like latents or pixels, always the same. */
export function wave(dims: readonly number[]): Tensor {
  return new Tensor(
    'float32',
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * i * 0.37)),
    dims,
  );
}
