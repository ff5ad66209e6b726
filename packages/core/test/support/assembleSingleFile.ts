import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { readTensor } from '../../src/weights/files/readTensor.js';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/files/writeSafetensors.js';

/** What an original key is in diffusers' layout: `component:key`, or what was done to it. */
export type OriginalKey =
  | string
  | { readonly op: 'squeeze' | 'transpose'; readonly to: string }
  | { readonly op: 'split'; readonly to: readonly string[] }
  | { readonly op: 'ignore'; readonly why: string };

interface Layout {
  readonly checkpoint: string;
  readonly files: Readonly<Record<string, string>>;
  readonly tensors: Readonly<Record<string, OriginalKey>>;
}

const FOLDER = fileURLToPath(new URL('../fixtures/single-file', import.meta.url));

/** Each file's original keys, and what they are. */
export function keyMaps(): Readonly<Record<string, Layout>> {
  return JSON.parse(readFileSync(join(FOLDER, 'key_map.json'), 'utf8')) as Record<string, Layout>;
}

/** Puts a checkpoint with the original names together from the diffusers folder that the fixture's key map names; the values are the folder's own. */
export async function assembleSingleFile(name: string, target: string): Promise<void> {
  const { checkpoint, files, tensors } = keyMaps()[name] as Layout;
  const open = async (path: string): Promise<SafetensorsFile> => SafetensorsFile.open(path);
  const parts = new Map<string, SafetensorsFile>();
  for (const [part, file] of Object.entries(files)) parts.set(part, await open(join(FOLDER, checkpoint, file)));
  const extras = join(FOLDER, 'extras.safetensors');
  const more = existsSync(extras) ? await open(extras) : undefined;
  const find = async (where: string): Promise<TensorToWrite & { readonly data: Uint8Array }> => {
    const [part = '', key = ''] = where.split(/:(.*)/s);
    const view = parts.get(part)!.tensor(key);
    return { dtype: view.dtype, shape: view.shape, data: await readTensor(view) };
  };
  const written: Record<string, TensorToWrite> = {};
  for (const [key, entry] of Object.entries(tensors)) {
    if (typeof entry === 'string') written[key] = await find(entry);
    else if (entry.op === 'ignore') {
      const view = more?.tensors.get(`${name.replace('.safetensors', '')}:${key}`);
      if (view !== undefined) written[key] = { dtype: view.dtype, shape: view.shape, data: await readTensor(view) };
    } else if (entry.op === 'split') {
      const all = await Promise.all(entry.to.map(find));
      const [rows = 0, ...rest] = all[0]!.shape;
      const data = Buffer.concat(all.map((each) => each.data));
      written[key] = { dtype: all[0]!.dtype, shape: [rows * all.length, ...rest], data };
    } else written[key] = entry.op === 'squeeze' ? unsqueezed(await find(entry.to)) : transposed(await find(entry.to));
  }
  await writeSafetensors(target, written, { format: 'pt' });
}

function unsqueezed(tensor: TensorToWrite): TensorToWrite {
  return { ...tensor, shape: [...tensor.shape, 1, 1] };
}

function transposed({ dtype, shape, data }: TensorToWrite & { readonly data: Uint8Array }): TensorToWrite {
  const [rows = 0, columns = 0] = shape;
  const size = data.length / (rows * columns);
  const turned = new Uint8Array(data.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      turned.set(data.subarray((r * columns + c) * size, (r * columns + c + 1) * size), (c * rows + r) * size);
  return { dtype, shape: [columns, rows], data: turned };
}
