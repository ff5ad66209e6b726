import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveModel } from '@thimble/core/model';
import { refuseOption } from '@thimble/core/plugin';
import { LoraFile } from './files/LoraFile.js';
import { type CheckedAdapter, nameOf } from './LoraOptions.js';

/** What diffusers calls the file in a folder of its own. */
const IN_FOLDER = 'pytorch_lora_weights.safetensors';

/** A LoRA whose file was opened. */
export interface OpenedLora {
  readonly name: string;
  readonly file: LoraFile;
  /** Names of the components that it may change; `undefined` = all. */
  readonly components: readonly string[] | undefined;
}

/**
 * Opens the files of LoRAs, those on the hub after they are downloaded.
 *
 * @throws ERR_ARGUMENT_INVALID for an id that names no file; what {@link LoraFile.open} and `resolveModel` throw
 */
export async function openLoras(
  adapters: readonly CheckedAdapter[],
  localFilesOnly: boolean,
): Promise<readonly OpenedLora[]> {
  const opened: OpenedLora[] = [];
  for (const adapter of adapters) {
    const path = adapter.file ?? (await download(adapter.id as string, localFilesOnly));
    const file = await LoraFile.open(await inFolder(path));
    opened.push({ name: nameOf(adapter), file, components: adapter.components });
  }
  return opened;
}

async function download(id: string, localFilesOnly: boolean): Promise<string> {
  // A whole repository would be looked through for a model.
  if (!/:|\/(?:blob|resolve)\//.test(id))
    refuseOption('id', id, 'a file on the hub, "owner/name:path/file.safetensors"');
  const { file } = await resolveModel(id, { localFilesOnly });
  return file ?? refuseOption('id', id, 'a file on the hub, "owner/name:path/file.safetensors"');
}

async function inFolder(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    // Whoever opens it says what is wrong.
    () => false,
  );
  return isFolder ? join(path, IN_FOLDER) : path;
}
