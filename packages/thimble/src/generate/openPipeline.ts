import { basename } from 'node:path';
import {
  AutoencoderKL,
  AutoencoderTiny,
  DiffusionPipeline,
  type FromPretrainedOptions,
  type LoadPretrainedOptions,
  type PretrainedModel,
} from '@thimble/core';
import { loadPretrained } from '@thimble/core/model';
import { ProcessDevice } from '@thimble/core/plugin';
import type { Interruption } from '../Interruption.js';
import { loadPlugin } from '../plugins/loadPlugin.js';
import { withoutUndefined } from '../withoutUndefined.js';
import type { GenerateFlags } from './GenerateFlags.js';
import { type PluginFlags, pluginsOf } from './pluginsOf.js';

/** The options that say how a model is opened. */
export type OpenFlags = PluginFlags &
  Pick<
    GenerateFlags,
    | 'model'
    | 'variant'
    | 'revision'
    | 'scheduler'
    | 'device'
    | 'threads'
    | 'offline'
    | 'vae'
    | 'previewVae'
    | 'preset'
    | 'memoryLimit'
    | 'use'
  >;

/** Opens the model that the options name, with the plugins that they ask for. */
export async function openPipeline(
  flags: OpenFlags,
  signal: AbortSignal,
  onProgress: NonNullable<FromPretrainedOptions['onProgress']>,
): Promise<DiffusionPipeline> {
  const { model, variant, revision, scheduler, preset, device, threads, offline, memoryLimit } = flags;
  const plugins = await pluginsOf(flags);
  for (const spec of flags.use) plugins.push(await loadPlugin(spec));
  const components = await replacements(flags, signal, onProgress);
  return DiffusionPipeline.fromPretrained(model, {
    ...withoutUndefined({ variant, revision, scheduler, preset, device, memoryLimit, components }),
    ...(threads === undefined ? {} : { deviceOptions: { threads } }),
    plugins,
    localFilesOnly: offline ?? false,
    signal,
    onProgress,
  });
}

/** Models in place of the checkpoint's, or beside them: a VAE, of the class that its config names, and one for previews. */
async function replacements(
  { vae, previewVae, offline }: OpenFlags,
  signal: AbortSignal,
  onProgress: NonNullable<FromPretrainedOptions['onProgress']>,
): Promise<FromPretrainedOptions['components']> {
  const where = { localFilesOnly: offline ?? false, signal, onProgress };
  const given = {
    ...(vae === undefined ? {} : { vae: await loadVae(vae, where) }),
    ...(previewVae === undefined ? {} : { preview_vae: await AutoencoderTiny.fromPretrained(previewVae, where) }),
  };
  return Object.keys(given).length === 0 ? undefined : given;
}

async function loadVae(
  vae: string,
  where: LoadPretrainedOptions,
): Promise<PretrainedModel<AutoencoderKL | AutoencoderTiny>> {
  const classes = { AutoencoderKL, AutoencoderTiny };
  return loadPretrained<AutoencoderKL | AutoencoderTiny>(
    ['AutoencoderKL', 'AutoencoderTiny'],
    (config, className) => classes[className as keyof typeof classes].fromConfig(config),
    vae,
    where,
  );
}

/** Lets a second Ctrl-C end a computation that cannot be interrupted, until the result is disposed. */
export function forceable(pipe: DiffusionPipeline, interruption: Interruption): Disposable {
  return interruption.onForce(() => killDevice(pipe));
}

function killDevice({ device }: DiffusionPipeline): void {
  if (device instanceof ProcessDevice && device.pid !== undefined) process.kill(device.pid, 'SIGKILL');
}

type TitleFlags = Pick<GenerateFlags, 'model' | 'modelVariable'>;

/** What a run is called in messages, with the variable that its model comes from. */
export function title(prompts: readonly string[], { model, modelVariable }: TitleFlags): string {
  const more = prompts.length > 1 ? ` and ${prompts.length - 1} more` : '';
  const source = modelVariable === undefined ? '' : ` (${modelVariable})`;
  return `thimble: "${prompts[0]}"${more}, by ${basename(model) || model}${source}`;
}
