import type { Plugin } from '@thimble/core';
import type { GenerateFlags } from './GenerateFlags.js';

/** The plugins that the flags ask for. Their packages are loaded when they are wanted, and not before. */
export async function pluginsOf({ offload, vaeSlicing, vaeTiling, fp8, int8Weights }: Pick<GenerateFlags, 'offload' | 'vaeSlicing' | 'vaeTiling' | 'fp8' | 'int8Weights'>): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  if (fp8 !== undefined || int8Weights === true) {
    const { LayerwiseCastingPlugin } = await import('@thimble/plugin-fp8');
    plugins.push(new LayerwiseCastingPlugin({ storageDtype: fp8 === undefined ? 'int8' : `float8_${fp8}` }));
  }
  if (offload !== undefined) {
    const { ModelOffloadPlugin, SequentialOffloadPlugin } = await import('@thimble/plugin-offload');
    plugins.push(offload === 'model' ? new ModelOffloadPlugin() : new SequentialOffloadPlugin());
  }
  if (vaeSlicing === true) {
    const { VaeSlicingPlugin } = await import('@thimble/plugin-vae-slicing');
    plugins.push(new VaeSlicingPlugin());
  }
  if (vaeTiling !== undefined) {
    const { VaeTilingPlugin } = await import('@thimble/plugin-vae-tiling');
    plugins.push(new VaeTilingPlugin({ mode: vaeTiling }));
  }
  return plugins;
}
