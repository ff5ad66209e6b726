import { basename } from 'node:path';
import { DiffusionPipeline, type FromPretrainedOptions } from '@thimble/core';
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
    'model' | 'variant' | 'revision' | 'scheduler' | 'device' | 'threads' | 'offline' | 'memoryLimit' | 'use'
  >;

/** Opens the model that the options name, with the plugins that they ask for. */
export async function openPipeline(
  flags: OpenFlags,
  signal: AbortSignal,
  onProgress: NonNullable<FromPretrainedOptions['onProgress']>,
): Promise<DiffusionPipeline> {
  const { model, variant, revision, scheduler, device, threads, offline, memoryLimit } = flags;
  const plugins = await pluginsOf(flags);
  for (const spec of flags.use) plugins.push(await loadPlugin(spec));
  return DiffusionPipeline.fromPretrained(model, {
    ...withoutUndefined({ variant, revision, scheduler, device, memoryLimit }),
    ...(threads === undefined ? {} : { deviceOptions: { threads } }),
    plugins,
    localFilesOnly: offline ?? false,
    signal,
    onProgress,
  });
}

/** Lets a second Ctrl-C end a computation that cannot be interrupted, until the result is disposed. */
export function forceable(pipe: DiffusionPipeline, interruption: Interruption): Disposable {
  return interruption.onForce(() => killDevice(pipe));
}

function killDevice({ device }: DiffusionPipeline): void {
  if (device instanceof ProcessDevice && device.pid !== undefined) process.kill(device.pid, 'SIGKILL');
}

/** What a run is called in messages. */
export function title(prompts: readonly string[], { model }: Pick<OpenFlags, 'model'>): string {
  const more = prompts.length > 1 ? ` and ${prompts.length - 1} more` : '';
  return `thimble: "${prompts[0]}"${more}, by ${basename(model) || model}`;
}
