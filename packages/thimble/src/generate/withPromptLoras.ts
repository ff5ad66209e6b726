import { basename } from 'node:path';
import { CliError } from '../CliError.js';
import type { GenerateFlags } from './GenerateFlags.js';
import { promptLoras } from './promptLoras.js';

/**
 * The flags, with the LoRAs that prompts ask for by `<lora:NAME:SCALE>` added to those of `--lora`: files of these names in the folder of `--lora-dir`. Prompts of one run have the same ones, which the
 * plugin for prompts checks.
 *
 * @throws CliError ERR_USAGE for a name that leads out of the folder; PromptError ERR_PROMPT_LORA_TAG
 */
export async function withPromptLoras<F extends Pick<GenerateFlags, 'lora' | 'loraDir'>>(
  flags: F,
  prompts: readonly string[],
): Promise<F> {
  const { lora = [], loraDir } = flags;
  if (loraDir === undefined) return flags;
  const asked = (await promptLoras(prompts[0] ?? '', loraDir)).map(({ name, file, scale }) => {
    if (basename(name) !== name || name.includes('\\'))
      throw new CliError('ERR_USAGE', {
        problem: `the prompt asks for the LoRA "${name}", which is no name of a file in --lora-dir.`,
      });
    return { file, scale };
  });
  return { ...flags, lora: [...lora, ...asked] };
}
