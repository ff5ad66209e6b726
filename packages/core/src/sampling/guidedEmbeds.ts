import { refuseOption } from '../fields/refuseOption.js';
import { checkMembers } from '../fields/checkMembers.js';
import type { Tensor } from 'onnxruntime-common';
import type { PipelineRun } from '../run/PipelineRun.js';
import { encodePrompt } from './encodePrompt.js';
import type { PromptEncoder } from './EncodingCall.js';
import type { Prompts } from './readPrompts.js';
import { type GivenEmbeds, withNegative } from './withNegative.js';

/** The prompts of a run, and embeddings in place of them. */
export interface GuidedPrompts extends Pick<Prompts, 'prompts' | 'negativePrompts'>, GivenEmbeds {}

/**
 * The embeddings of a run from one text encoder: [n, tokens, width], those of a prompt once for each of its pictures; with guidance [2n, tokens, width], the
 * negative ones first. `encoder` is asked for where they are not given.
 *
 * @throws ERR_ARGUMENT_INVALID for negative embeddings of another shape than the others
 */
export async function guidedEmbeds(
  run: PipelineRun,
  encoder: () => PromptEncoder,
  options: GuidedPrompts,
  guided: boolean,
): Promise<Tensor> {
  if (typeof encoder !== 'function') refuseOption('encoder', encoder, 'a function that gives the encoder');
  checkMembers('options', options, '{ prompts, negativePrompts }', []);
  const { embeds } = await withNegative(options, guided, async (negative) =>
    encodePrompt(run, encoder(), negative ? options.negativePrompts : options.prompts, negative),
  );
  return embeds;
}
