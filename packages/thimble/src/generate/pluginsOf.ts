import type { Plugin } from '@thimble/core';
import type { GenerateFlags } from './GenerateFlags.js';

/** The plugins that the flags ask for. Their packages are loaded when they are wanted, and not before. */
export async function pluginsOf({ offload, vaeTiling }: Pick<GenerateFlags, 'offload' | 'vaeTiling'>): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  if (offload !== undefined) {
    const { ModelOffloadPlugin, SequentialOffloadPlugin } = await import('@thimble/plugin-offload');
    plugins.push(offload === 'model' ? new ModelOffloadPlugin() : new SequentialOffloadPlugin());
  }
  if (vaeTiling === true) {
    const { VaeTilingPlugin } = await import('@thimble/plugin-vae-tiling');
    plugins.push(new VaeTilingPlugin());
  }
  return plugins;
}
