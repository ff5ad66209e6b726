import { readdir } from 'node:fs/promises';
import type { DiffusionPipeline } from '@thimble/core';
import { refuseOption } from '@thimble/core/plugin';
import type { LoraAdapterOptions, LoraPlugin } from '@thimble/plugin-lora';
import { LORA_EXTENSION, type NamedLora, promptLoras } from '../generate/promptLoras.js';
import type { ServedFlags } from './ServeFlags.js';

/** What a pipeline has now. */
interface Applied {
  /** Which files, in their order. */
  readonly files: string;
  readonly plugin: LoraPlugin | undefined;
}

/** The LoRAs of a folder, which prompts name by `<lora:NAME:SCALE>`: put into a pipeline before the run that asks for them, and out before one that does not. */
export class PromptLoraFolder {
  readonly #folder: string;
  readonly #flags: Pick<ServedFlags, 'lora' | 'loraMode' | 'offline'>;
  readonly #applied = new WeakMap<DiffusionPipeline, Applied>();

  /** @param flags whose `lora` every run has */
  constructor(folder: string, flags: Pick<ServedFlags, 'lora' | 'loraMode' | 'offline'>) {
    this.#folder = folder;
    this.#flags = flags;
  }

  /** The names that prompts may use: of the safetensors files in the folder now. */
  async names(): Promise<readonly string[]> {
    const files = await readdir(this.#folder);
    return files.filter((name) => name.endsWith(LORA_EXTENSION)).map((name) => name.slice(0, -LORA_EXTENSION.length));
  }

  /** Gives a pipeline what a prompt asks for. @throws ERR_ARGUMENT_INVALID for a name that no file has; what the plugin throws */
  async prepare({ pipe, prompt }: { readonly pipe: DiffusionPipeline; readonly prompt: string }): Promise<void> {
    const asked = await this.#asked(prompt);
    const files = asked.map(({ file }) => file).join('\n');
    const before = this.#applied.get(pipe);
    if (before?.files === files) {
      await before.plugin?.setScales(Object.fromEntries(asked.map(({ name, scale }) => [name, scale])));
      return;
    }
    this.#applied.delete(pipe);
    if (before?.plugin !== undefined) await pipe.remove(before.plugin);
    this.#applied.set(pipe, { files, plugin: await this.#use(pipe, asked) });
  }

  async #use(pipe: DiffusionPipeline, asked: readonly LoraAdapterOptions[]): Promise<LoraPlugin | undefined> {
    const { lora = [], loraMode: mode, offline: localFilesOnly = false } = this.#flags;
    const adapters = [...lora, ...asked];
    if (adapters.length === 0) return undefined;
    const { LoraPlugin } = await import('@thimble/plugin-lora');
    const plugin = new LoraPlugin(adapters, { mode, localFilesOnly });
    await pipe.use(plugin);
    return plugin;
  }

  async #asked(prompt: string): Promise<readonly NamedLora[]> {
    const asked = await promptLoras(prompt, this.#folder);
    if (asked.length === 0) return [];
    const names = await this.names();
    for (const { name } of asked)
      if (!names.includes(name)) refuseOption('prompt', `<lora:${name}>`, `LoRAs out of ${names.join(', ') || 'none'}`);
    return asked;
  }
}
