import { ThimbleError } from '../errors.js';
import { parseHubModelId } from '../weights/hub/HubModelId.js';
import { stat } from 'node:fs/promises';

/** Refuses what is no single file. @throws ERR_ARGUMENT_INVALID for a folder, and the id of a model on the hub */
export async function checkSingleFile(file: string): Promise<void> {
  const found = typeof file === 'string' ? await stat(file).catch(() => undefined) : undefined;
  if (
    found?.isFile() === true ||
    (found === undefined && typeof file === 'string' && parseHubModelId(file) === undefined)
  )
    return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'file',
    value: file,
    expected:
      'the path of a file of weights, or one on the hub ("owner/name:file.safetensors"); fromPretrained opens folders and hub ids',
  });
}
