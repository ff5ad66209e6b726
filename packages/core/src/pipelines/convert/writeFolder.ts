import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { fileSystemError } from '../../disk/fileSystemError.js';
import { readJsonFile } from '../../disk/readJsonFile.js';
import type { PredictionType } from '../../schedulers/numeric/predictOriginalSample.js';
import { SHIPPED_CLIP_TOKENIZER } from '../../tokenizers/shippedClipTokenizer.js';
import { type TensorToWrite, writeSafetensors } from '../../weights/files/writeSafetensors.js';
import type { ModelIndex } from '../../weights/ModelIndex.js';
import { type PartPlace, placeOf } from '../../weights/PartPlace.js';
import { partKind } from '../../weights/partKind.js';
import type { ConvertedComponent } from './ConvertedComponent.js';

/** A model that becomes a folder in diffusers' layout. */
export interface FolderContents {
  readonly index: ModelIndex;
  readonly components: readonly ConvertedComponent[];
  readonly predictionType?: PredictionType | undefined;
  readonly tensorsOf: (component: ConvertedComponent) => ReadonlyMap<string, TensorToWrite>;
}

const unpacked = promisify(gunzip);

/** Writes the folder beside its place and moves it there when it is whole. @throws ERR_DISK_FULL, ERR_FILE_ACCESS, and what reading throws */
export async function writeFolder(target: string, contents: FolderContents): Promise<void> {
  const temporary = `${target}.${process.pid}-${randomUUID()}.tmp`;
  try {
    await writeParts(temporary, contents);
    await rename(temporary, target);
  } catch (error) {
    throw fileSystemError(error, target, 'write');
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function writeParts(
  folder: string,
  { index, components, predictionType, tensorsOf }: FolderContents,
): Promise<void> {
  const written = new Set(components.map(({ name }) => name));
  for (const component of components) {
    const { name, library, config } = component;
    const file = library === 'transformers' ? 'model.safetensors' : 'diffusion_pytorch_model.safetensors';
    await writeJson(join(folder, name), 'config.json', config);
    await writeSafetensors(join(folder, name, file), tensorsOf(component), { format: 'pt' });
  }
  if (index.kind === 'model') return;
  for (const [name, part] of Object.entries(index.components)) {
    const kind = part === null ? 'model' : partKind(part.className);
    if (kind === 'tokenizer') await copyTokenizer(placeOf(index, name), join(folder, name));
    if (kind === 'scheduler') await copyScheduler(placeOf(index, name), join(folder, name), predictionType);
    if (kind === 'tokenizer' || kind === 'scheduler') written.add(name);
  }
  const parts = Object.entries(index.components).map(([name, part]) => {
    const listed = part === null || !written.has(name) ? [null, null] : [part.library, part.className];
    return [name, listed] as const;
  });
  await writeJson(folder, 'model_index.json', {
    _class_name: index.className,
    ...index.config,
    ...Object.fromEntries(parts),
  });
}

async function copyScheduler(
  { folder, config }: PartPlace,
  target: string,
  predictionType: PredictionType | undefined,
): Promise<void> {
  const own = config ?? (await readJsonFile(join(folder, 'scheduler_config.json')));
  await writeJson(target, 'scheduler_config.json', {
    ...own,
    ...(predictionType && { prediction_type: predictionType }),
  });
}

/** Its files, and not the folders in it, which no tokenizer reads; what is packed here is unpacked, for others to read. */
async function copyTokenizer({ folder, padToken }: PartPlace, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  if (padToken === undefined) {
    for (const name of await readdir(folder))
      if ((await stat(join(folder, name))).isFile()) await copyFile(join(folder, name), join(target, name));
    return;
  }
  for (const name of await readdir(SHIPPED_CLIP_TOKENIZER)) {
    const bytes = await readFile(join(SHIPPED_CLIP_TOKENIZER, name));
    if (name.endsWith('.gz')) await writeFile(join(target, basename(name, '.gz')), await unpacked(bytes));
    else await writeJson(target, name, { ...(JSON.parse(bytes.toString()) as object), pad_token: padToken });
  }
}

/** Fields of text encoders that transformers refuses as whole numbers: it is written so that Python reads a float. */
const FLOATS =
  /"(attention_dropout|dropout|dropout_rate|initializer_factor|initializer_range|layer_norm_eps(?:ilon)?|logit_scale_init_value|rms_norm_eps)": (-?\d+)(?=[,\n])/g;

async function writeJson(folder: string, name: string, value: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  const text = JSON.stringify(value, null, 2).replaceAll(FLOATS, '"$1": $2.0');
  await writeFile(join(folder, name), `${text}\n`);
}
