import { join } from 'node:path';
import { writeSafetensors } from '@thimble/core/plugin';

/** Writes a textual inversion, tensors by their names and shapes, with sines as vectors or what `valueOf` gives; gives the file's path. */
export async function writeInversion(
  folder: string,
  name: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  valueOf: (i: number) => number = Math.sin,
): Promise<string> {
  const file = join(folder, `${name.replaceAll(/[<>]/g, '')}.safetensors`);
  const tensors = Object.entries(shapes).map(([key, shape]) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => valueOf(i));
    return [key, { dtype: 'F32' as const, shape, data: new Uint8Array(values.buffer) }] as const;
  });
  await writeSafetensors(file, Object.fromEntries(tensors));
  return file;
}
