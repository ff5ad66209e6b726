import { join } from 'node:path';
import { type TensorToWrite, writeSafetensors } from '@thimble/core/plugin';

/** Numbers that are the same in every run, of a standard deviation of about 1. */
export function numbers(count: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) * Math.sqrt(12);
  });
}

/** Tensors of a LoRA file, by key: float32 of these shapes, times `scale`. */
export function randomTensors(
  shapes: Readonly<Record<string, readonly number[]>>,
  scale = 0.2,
): Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }> {
  return Object.fromEntries(
    Object.entries(shapes).map(([key, shape], at) => {
      const data = numbers(
        shape.reduce((a, b) => a * b, 1),
        at + 1,
      );
      return [
        key,
        { shape, data: /(?:^|\.)alpha$/.test(key) ? Float32Array.of(1.5) : data.map((value) => value * scale) },
      ];
    }),
  );
}

/** Writes a LoRA file, and gives its path. */
export async function writeLora(
  folder: string,
  name: string,
  tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>,
): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  const written = Object.entries(tensors).map(([key, { shape, data }]): [string, TensorToWrite] => [
    key,
    { dtype: 'F32', shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) },
  ]);
  await writeSafetensors(path, new Map(written));
  return path;
}
