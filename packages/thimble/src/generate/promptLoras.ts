import { join } from 'node:path';

/** What the files of LoRAs are called by. */
export const LORA_EXTENSION = '.safetensors';

/** A LoRA that a prompt names. */
export interface NamedLora {
  readonly name: string;
  /** Where it would lie; nobody has looked. */
  readonly file: string;
  readonly scale: number;
}

/** The LoRAs that a prompt asks for by `<lora:NAME:SCALE>`, as files of a folder. @throws PromptError ERR_PROMPT_LORA_TAG */
export async function promptLoras(prompt: string, folder: string): Promise<readonly NamedLora[]> {
  const { parseLoraTags } = await import('@thimble/plugin-prompt');
  return parseLoraTags(prompt).loras.map(({ name, scale }) => ({
    name,
    file: join(folder, name + LORA_EXTENSION),
    scale,
  }));
}
