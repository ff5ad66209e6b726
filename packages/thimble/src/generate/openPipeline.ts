import { basename } from 'node:path';
import {
  AutoencoderTiny,
  DiffusionPipeline,
  type FromPretrainedOptions,
  isThimbleError,
  type Plugin,
  ThimbleError,
} from '@thimble/core';
import { containerMemory, ProcessDevice } from '@thimble/core/plugin';
import type { Interruption } from '../Interruption.js';
import { loadPlugin } from '../plugins/loadPlugin.js';
import { registerFormats } from '../registerFormats.js';
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
    | 'allowSymlinks'
    | 'vae'
    | 'component'
    | 'config'
    | 'predictionType'
    | 'previewVae'
    | 'preset'
    | 'memoryLimit'
    | 'convolution'
    | 'planQuality'
    | 'use'
  >;

/** Opens the model that the options name, with the plugins that they ask for. */
export async function openPipeline(
  flags: OpenFlags,
  signal: AbortSignal,
  onProgress: NonNullable<FromPretrainedOptions['onProgress']>,
): Promise<DiffusionPipeline> {
  const { model, variant, revision, config, predictionType, scheduler, preset, device, threads } = flags;
  await registerFormats([model, flags.vae, ...flags.component.map(({ source }) => source)]);
  const plugins = await pluginsOf(flags);
  for (const spec of flags.use) plugins.push(await loadPlugin(spec));
  if (hasLimit(flags)) plugins.push(await memoryPlanner(flags));
  const components = await replacements(flags, signal, onProgress);
  const opening = DiffusionPipeline.fromPretrained(model, {
    ...withoutUndefined({
      variant,
      revision,
      config,
      predictionType,
      scheduler,
      preset,
      device,
      memoryLimit: flags.memoryLimit,
      convolution: flags.convolution,
      components,
    }),
    ...(threads === undefined ? {} : { deviceOptions: { threads } }),
    plugins,
    ...sourceOf(flags),
    signal,
    onProgress,
  });
  return flags.vae === undefined ? opening : opening.catch(blameVae);
}

/** Whether there is a limit to plan for: one that was given, or the container's. It is the memory of this machine's processor. */
function hasLimit({ memoryLimit, device = 'cpu' }: OpenFlags): boolean {
  return device === 'cpu' && memoryLimit !== 'none' && (memoryLimit !== undefined || containerMemory() !== undefined);
}

async function memoryPlanner({ planQuality: quality }: OpenFlags): Promise<Plugin> {
  const { MemoryPlannerPlugin } = await import('@thimble/planner');
  return new MemoryPlannerPlugin(quality === undefined ? {} : { quality });
}

/** What is wrong with the VAE is said of the flag that it came by. */
function blameVae(error: unknown): never {
  if (!isThimbleError(error, 'ERR_ARGUMENT_INVALID') || error.details.argument !== 'components.vae') throw error;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { ...error.details, argument: 'vae' }, { cause: error });
}

/** Where models may come from. */
function sourceOf({
  offline = false,
  allowSymlinks = false,
}: Pick<OpenFlags, 'offline' | 'allowSymlinks'>): Pick<FromPretrainedOptions, 'localFilesOnly' | 'allowSymlinks'> {
  return { localFilesOnly: offline, allowSymlinks };
}

/** Models in place of the checkpoint's, or beside them: files and folders by their names, and a VAE for previews. */
async function replacements(
  { component, vae, previewVae, ...flags }: OpenFlags,
  signal: AbortSignal,
  onProgress: NonNullable<FromPretrainedOptions['onProgress']>,
): Promise<FromPretrainedOptions['components']> {
  const where = { ...sourceOf(flags), signal, onProgress };
  const given = {
    ...Object.fromEntries(component.map(({ name, source }) => [name, source])),
    ...(vae === undefined ? {} : { vae }),
    ...(previewVae === undefined ? {} : { preview_vae: await AutoencoderTiny.fromPretrained(previewVae, where) }),
  };
  return Object.keys(given).length === 0 ? undefined : given;
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
