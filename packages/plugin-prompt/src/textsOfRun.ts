import type { ComponentHandle, RunContext } from '@thimble/core/plugin';

/** The texts that a run of Stable Diffusion gives to its text encoders, and embeddings in place of texts. */
export interface RunTexts {
  readonly prompts: readonly string[];
  /** Those of a second text encoder and negative ones included, as far as they are read. */
  readonly all: readonly string[];
  /** Tokens of embeddings that were given; 0 without any. */
  readonly givenTokens: number;
}

/** What a run reads: negative prompts only with guidance, which a UNet that was distilled with it does not have. */
export function textsOfRun(
  { prompt, options }: Pick<RunContext, 'prompt' | 'options'>,
  unet: ComponentHandle | undefined,
): RunTexts {
  const guided = Number(options['guidanceScale'] ?? 1) > 1 && unet?.config['time_cond_proj_dim'] == null;
  const negative = guided ? [options['negativePrompt'], options['negativePrompt2']] : [];
  const given = [options['promptEmbeds'], options['negativePromptEmbeds']] as (
    | { readonly dims: readonly number[] }
    | undefined
  )[];
  const prompts = listOf(prompt);
  return {
    prompts,
    all: [...prompts, ...[options['prompt2'], ...negative].flatMap(listOf)],
    givenTokens: Math.max(0, ...given.map((embeds) => embeds?.dims[1] ?? 0)),
  };
}

function listOf(texts: unknown): readonly string[] {
  if (texts === undefined) return [];
  return typeof texts === 'string' ? [texts] : (texts as readonly string[]);
}
