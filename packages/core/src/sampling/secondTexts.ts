import type { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../fields/refuseOption.js';
import { oneEach, type Prompts } from './readPrompts.js';

/** What the second of two text encoders reads, each as long as the prompts. */
export interface SecondTexts {
  readonly prompts2: readonly string[];
  readonly negativePrompts2: readonly string[];
}

type Texts = string | readonly string[] | undefined;

/** The options of {@link secondTexts}. */
export interface SecondTextOptions extends Prompts {
  readonly negativePrompt: Texts;
  readonly prompt2: Texts;
  readonly negativePrompt2: Texts;
}

/**
 * The texts of a second text encoder: those of the first, where there are no others; as in diffusers, an empty text is none.
 *
 * @throws ERR_ARGUMENT_INVALID for lists of other lengths, and for texts that nothing would read
 */
export function secondTexts(options: SecondTextOptions, encoders: number): SecondTexts {
  const { prompts, negativePrompts, prompt2, negativePrompt, negativePrompt2 } = options;
  if (encoders < 2) {
    const expected = 'nothing: this model has one text encoder, which reads the prompt';
    if (prompt2 !== undefined) refuseOption('prompt2', prompt2, expected);
    if (negativePrompt2 !== undefined) refuseOption('negativePrompt2', negativePrompt2, expected);
  }
  if (prompt2 !== undefined && prompts.length === 0)
    refuseOption('prompt2', prompt2, 'a prompt beside it, and no promptEmbeds');
  if (negativePrompt2 !== undefined && negativePrompt === undefined)
    refuseOption('negativePrompt2', negativePrompt2, "a negativePrompt beside it, at least ''");
  return {
    prompts2: orElse(oneEach('prompt2', prompt2, prompts.length), prompts),
    negativePrompts2: orElse(oneEach('negativePrompt2', negativePrompt2, negativePrompts.length), negativePrompts),
  };
}

/** Embeddings and what goes with them. */
interface PooledEmbeds {
  readonly promptEmbeds: Tensor | undefined;
  readonly pooledPromptEmbeds: Tensor | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
  readonly negativePooledPromptEmbeds: Tensor | undefined;
}

/** @throws ERR_ARGUMENT_INVALID for embeddings without the pooled ones, or the other way round */
export function checkPooled(options: PooledEmbeds): void {
  const pairs = [
    ['promptEmbeds', 'pooledPromptEmbeds'],
    ['negativePromptEmbeds', 'negativePooledPromptEmbeds'],
  ] as const;
  for (const [one, other] of pairs.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]))
    if (options[one] !== undefined && options[other]?.dims[0] !== options[one].dims[0])
      refuseOption(other, options[other]?.dims, `a tensor for the ${options[one].dims[0]} prompts of ${one}`);
}

function orElse(texts: readonly string[], others: readonly string[]): readonly string[] {
  return texts.map((text, i) => text || (others[i] as string));
}
