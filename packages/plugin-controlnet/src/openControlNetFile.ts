import { stat } from 'node:fs/promises';
import {
  type ComponentCheckpoint,
  type ModelConfig,
  openComponentCheckpoint,
  readModelIndex,
  resolveModel,
  type ResolveModelOptions,
} from '@thimble/core/model';
import { openTensorFile, remapped, sourcesOf, storeOf, type TensorView, unchanged } from '@thimble/core/plugin';
import { ControlNetError } from './ControlNetError.js';
import { controlNetConfig } from './controlNetConfig.js';
import { ldmControlNet } from './ldmControlNet.js';

/** How ControlNets lie in files: what keys begin with, a key that is in every such file, and what the others are called. */
const LAYOUTS = ['control_model.', ''].flatMap((prefix) => [
  { prefix, mark: 'input_hint_block.0.weight', keyMap: ldmControlNet },
  { prefix, mark: 'controlnet_cond_embedding.conv_in.weight', keyMap: unchanged },
]);

/** Whether a model is a file on this disk, or one on the hub, `owner/name:file` or an address. */
export async function isFile(model: string): Promise<boolean> {
  try {
    return (await stat(model)).isFile();
  } catch {
    return model.includes(':');
  }
}

/**
 * Opens a ControlNet in a file of its own, on this disk or on the hub. No data is read.
 *
 * @param config a folder or a hub id with its config; by default what its tensors show
 * @throws ERR_CONTROLNET_FILE for a file that holds none; what resolving and opening throw
 */
export async function openControlNetFile(
  model: string,
  config: string | undefined,
  where: ResolveModelOptions,
): Promise<ComponentCheckpoint> {
  const { folder, file: found = folder } = await resolveModel(model, where);
  const { path: file, tensors: stored } = await openTensorFile(found);
  const layout = LAYOUTS.find(({ prefix, mark }) => stored.has(prefix + mark));
  if (layout === undefined) {
    const [example] = stored.keys();
    const problem = `none of its ${stored.size} tensors${example === undefined ? '' : `, such as "${example}",`} is called as in one`;
    throw new ControlNetError('ERR_CONTROLNET_FILE', { file, problem });
  }
  const sources = sourcesOf(layout.keyMap, stored, layout.prefix);
  const store = remapped(storeOf(stored), sources);
  const tensors = new Map([...sources.keys()].map((key) => [key, store.find(key) as TensorView]));
  const own = config === undefined ? controlNetConfig(tensors) : await configFrom(config, where);
  if (own === undefined)
    throw new ControlNetError('ERR_CONTROLNET_FILE', { file, problem: 'its tensors do not show how it is built' });
  return openComponentCheckpoint(file, { config: own, weights: { file, tensors } });
}

async function configFrom(
  config: string,
  { localFilesOnly, allowSymlinks, signal, onProgress }: ResolveModelOptions,
): Promise<ModelConfig> {
  const { folder } = await resolveModel(config, {
    localFilesOnly,
    allowSymlinks,
    signal,
    onProgress,
    configsOnly: true,
  });
  return (await readModelIndex(folder)).config;
}
