import type { Plugin } from '@thimble/core';
import type { ControlNetOptions } from '@thimble/plugin-controlnet';
import type { GenerateFlags } from './GenerateFlags.js';

/** The flags that ask for models, words and pictures beside the checkpoint. */
export type AdapterFlags = Pick<
  GenerateFlags,
  'control' | 'embedding' | 'ipAdapter' | 'lora' | 'loraMode' | 'loraDir' | 'promptWeights' | 'offline'
>;

/** The plugins for what is given beside the checkpoint and in prompts. Their packages are loaded when they are wanted, and not before. */
export async function adapterPlugins({
  control = [],
  embedding = [],
  ipAdapter,
  lora = [],
  loraMode,
  loraDir,
  promptWeights,
  offline = false,
}: AdapterFlags): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  if (control.length > 0) {
    const { ControlNetPlugin } = await import('@thimble/plugin-controlnet');
    plugins.push(
      new ControlNetPlugin(control.map((net) => ({ ...net, localFilesOnly: offline }) as ControlNetOptions)),
    );
  }
  if (embedding.length > 0) {
    const { TextualInversionPlugin } = await import('@thimble/plugin-textual-inversion');
    plugins.push(new TextualInversionPlugin(embedding));
  }
  if (lora.length > 0) {
    const { LoraPlugin } = await import('@thimble/plugin-lora');
    plugins.push(new LoraPlugin(lora, { mode: loraMode, localFilesOnly: offline }));
  }
  if (ipAdapter !== undefined) {
    const { IPAdapterPlugin } = await import('@thimble/plugin-ip-adapter');
    plugins.push(new IPAdapterPlugin(ipAdapter));
  }
  if (promptWeights === true) {
    const { PROMPT_LORAS, PromptWeightsPlugin } = await import('@thimble/plugin-prompt');
    plugins.push(new PromptWeightsPlugin());
    // Those of --lora-dir are among the LoRAs already.
    if (loraDir !== undefined)
      plugins.push({
        name: 'thimble:lora-dir',
        apply: ({ provide }) => void provide(PROMPT_LORAS, { use: () => undefined }),
      });
  }
  return plugins;
}
