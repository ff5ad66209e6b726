import type { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../fields/refuseOption.js';
import { oneEach, type Prompts } from './readPrompts.js';

/** What the second of two text encoders reads, each as long as the prompts. */
export interface SecondTexts {
  readonly prompts2: readonly string[];
  readonly negativePrompts2: readonly string[];
}

/** What the third of three text encoders reads, each as long as the prompts. */
export interface ThirdTexts {
  readonly prompts3: readonly string[];
  readonly negativePrompts3: readonly string[];
}

type Texts = string | readonly string[] | undefined;

/** The options of {@link secondTexts}. */
export interface SecondTextOptions extends Prompts {
  readonly negativePrompt: Texts;
  readonly prompt2: Texts;
  readonly negativePrompt2: Texts;
}

/** The options of {@link thirdTexts}. */
export interface ThirdTextOptions extends Prompts {
  readonly negativePrompt: Texts;
  readonly prompt3: Texts;
  readonly negativePrompt3: Texts;
}

/**
 * The texts of a second text encoder: those of the first, where there are no others; as in diffusers, an empty text is none.
 *
 * @throws ERR_ARGUMENT_INVALID for lists of other lengths, and for texts that nothing would read
 */
export function secondTexts(options: SecondTextOptions, encoders: number): SecondTexts {
  const unread = encoders < 2 ? 'this model has one text encoder, which reads the prompt' : undefined;
  const [prompts2, negativePrompts2] = furtherTexts('2', options, [options.prompt2, options.negativePrompt2], unread);
  return { prompts2, negativePrompts2 };
}

/** The same of a third text encoder, if it `isThere`. @throws as {@link secondTexts} */
export function thirdTexts(options: ThirdTextOptions, isThere: boolean): ThirdTexts {
  const unread = isThere ? undefined : 'without text_encoder_3 there is nobody to read it';
  const [prompts3, negativePrompts3] = furtherTexts('3', options, [options.prompt3, options.negativePrompt3], unread);
  return { prompts3, negativePrompts3 };
}

function furtherTexts(
  which: '2' | '3',
  { prompts, negativePrompts, negativePrompt }: Prompts & { readonly negativePrompt: Texts },
  [texts, negative]: readonly [Texts, Texts],
  unread: string | undefined,
): readonly [readonly string[], readonly string[]] {
  const [name, negativeName] = [`prompt${which}`, `negativePrompt${which}`];
  if (unread !== undefined) {
    if (texts !== undefined) refuseOption(name, texts, `nothing: ${unread}`);
    if (negative !== undefined) refuseOption(negativeName, negative, `nothing: ${unread}`);
  }
  if (texts !== undefined && prompts.length === 0) refuseOption(name, texts, 'a prompt beside it, and no promptEmbeds');
  if (negative !== undefined && negativePrompt === undefined)
    refuseOption(negativeName, negative, "a negativePrompt beside it, at least ''");
  return [
    orElse(oneEach(name, texts, prompts.length), prompts),
    orElse(oneEach(negativeName, negative, negativePrompts.length), negativePrompts),
  ];
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
