import type { Plugin } from '@thimble/core';
import { type AdapterFlags, adapterPlugins } from './adapterPlugins.js';
import type { GenerateFlags } from './GenerateFlags.js';

/** The flags that ask for plugins. */
export type PluginFlags = AdapterFlags &
  Pick<
    GenerateFlags,
    | 'offload'
    | 'vaeSlicing'
    | 'vaeTiling'
    | 'fp8'
    | 'int8Weights'
    | 'int8'
    | 'attention'
    | 'channelsLast'
    | 'stepCache'
    | 'tokenMerging'
    | 'trace'
  >;

/** The plugins that the flags ask for. Their packages are loaded when they are wanted, and not before. */
export async function pluginsOf(flags: PluginFlags): Promise<Plugin[]> {
  const { offload, vaeSlicing, vaeTiling, fp8, int8Weights, int8, attention, channelsLast, trace } = flags;
  const plugins = [...(await adapterPlugins(flags)), ...(await lossyPlugins(flags))];
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
  if (attention !== undefined) {
    const { MemoryEfficientAttentionPlugin } = await import('@thimble/plugin-attention');
    plugins.push(new MemoryEfficientAttentionPlugin({ backend: attention }));
  }
  if (channelsLast === true) {
    const { ChannelsLastPlugin } = await import('@thimble/plugin-channels-last');
    plugins.push(new ChannelsLastPlugin());
  }
  if (int8 === true) {
    const { Int8ComputePlugin } = await import('@thimble/plugin-int8');
    plugins.push(new Int8ComputePlugin());
  }
  if (trace !== undefined) {
    const { TracingPlugin } = await import('@thimble/plugin-tracing');
    plugins.push(new TracingPlugin({ dir: trace, prepack: true }));
  }
  return plugins;
}

/** What computes less. */
async function lossyPlugins({ stepCache, tokenMerging }: PluginFlags): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  if (stepCache !== undefined) {
    const { StepCachePlugin } = await import('@thimble/plugin-step-cache');
    plugins.push(new StepCachePlugin(stepCache));
  }
  if (tokenMerging !== undefined) {
    const { TokenMergingPlugin } = await import('@thimble/plugin-token-merging');
    plugins.push(new TokenMergingPlugin({ ratio: tokenMerging }));
  }
  return plugins;
}
