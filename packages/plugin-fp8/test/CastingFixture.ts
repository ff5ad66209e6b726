import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Tensor } from '@thimble/core';
import { SafetensorsFile } from '@thimble/core/plugin';

interface Expected {
  readonly tensor: string;
  readonly shape: readonly number[];
  readonly atol: number;
  readonly rtol: number;
}

/** One call of the fixture: which layers diffusers stored in eight bits, and what came out. */
export interface CastingCall {
  readonly name: string;
  readonly args: {
    readonly function: 'enable_layerwise_casting' | 'apply_layerwise_casting';
    readonly model: 'unet' | 'transformer';
    readonly storage_dtype: 'float8_e4m3fn' | 'float8_e5m2';
    readonly stored: readonly string[];
    readonly kept: readonly string[];
    readonly skip_modules_pattern?: readonly string[] | null;
    readonly skip_modules_classes?: readonly string[];
  };
  readonly in: Readonly<Record<string, string>>;
  readonly out: Readonly<Record<string, Expected>>;
}

const FOLDER = fileURLToPath(new URL('../../core/test/fixtures/layerwise-casting', import.meta.url));

/** The checkpoint whose UNet the fixture's calls use. */
export const SD_TINY = fileURLToPath(new URL('../../core/test/fixtures/sd-tiny', import.meta.url));

/** The same weights in float16. */
export const SD_TINY_F16 = fileURLToPath(new URL('../../core/test/fixtures/sd-tiny-f16', import.meta.url));

/** The transformer of CogVideoX that the fixture's calls use. */
export const COGVIDEOX = join(FOLDER, 'transformer');

/** All calls of a model. */
export const castingCalls = (
  JSON.parse(readFileSync(`${FOLDER}/case.json`, 'utf8')) as { calls: CastingCall[] }
).calls.filter(({ args }) => args.function !== undefined);

/** Reads a tensor of the fixture. */
export async function readFixture(name: string): Promise<Tensor> {
  const file = await SafetensorsFile.open(`${FOLDER}/case.safetensors`);
  const { dtype, shape } = file.tensor(name);
  const bytes = await file.read(name);
  if (dtype === 'F32') return new Tensor('float32', new Float32Array(bytes.buffer), shape);
  return dtype === 'I64'
    ? new Tensor('int64', new BigInt64Array(bytes.buffer as ArrayBuffer), shape)
    : new Tensor('uint8', bytes, shape);
}

/** The inputs of a call. */
export async function inputsOf(call: CastingCall): Promise<Record<string, Tensor>> {
  return Object.fromEntries(
    await Promise.all(
      Object.entries(call.in).map(async ([name, tensor]) => [name, await readFixture(tensor)] as const),
    ),
  );
}

/** Largest distance from diffusers' `sample`, in tolerances. */
export async function excess(call: CastingCall, got: Tensor): Promise<number> {
  const { tensor, atol, rtol } = call.out['sample']!;
  const want = await readFixture(tensor);
  if (want.dims.join() !== got.dims.join()) return Infinity;
  return (want.data as Float32Array).reduce((worst, b, i) => {
    const distance = Math.abs((got.data as Float32Array)[i]! - b) / (atol + rtol * Math.abs(b));
    return Number.isNaN(distance) ? Infinity : Math.max(worst, distance);
  }, 0);
}
