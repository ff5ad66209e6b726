import type { Tensor } from 'onnxruntime-common';
import { concatBatch, repeatBatch } from '../execution/batch.js';
import { refuseOption } from '../fields/readOptions.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { encodePrompt } from './encodePrompt.js';
import type { PromptEncoder } from './EncodingCall.js';
import type { Prompts } from './readPrompts.js';

/** The prompts of a run, and embeddings in place of them. */
export interface GuidedPrompts extends Pick<Prompts, 'prompts' | 'negativePrompts'> {
  readonly promptEmbeds: Tensor | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
  /** Default 1. */
  readonly numImagesPerPrompt?: number;
}

/**
 * The embeddings of a run from one text encoder: [n, tokens, width], those of a prompt once for each of its pictures; with guidance [2n, tokens, width], the
 * negative ones first. `encoder` is asked for where they are not given.
 *
 * @throws ERR_ARGUMENT_INVALID for negative embeddings of another shape than the others
 */
export async function guidedEmbeds(
  run: PipelineRun,
  encoder: () => PromptEncoder,
  { prompts, negativePrompts, promptEmbeds, negativePromptEmbeds, numImagesPerPrompt = 1 }: GuidedPrompts,
  guided: boolean,
): Promise<Tensor> {
  const encode = async (texts: readonly string[], negative: boolean): Promise<Tensor> =>
    (await encodePrompt(run, encoder(), texts, negative)).embeds;
  const positive = promptEmbeds ?? (await encode(prompts, false));
  const repeated = repeatBatch(positive, numImagesPerPrompt);
  if (!guided) return repeated;
  const negative = negativePromptEmbeds ?? (await encode(negativePrompts, true));
  if (negative.dims.join() !== positive.dims.join())
    refuseOption('negativePromptEmbeds', negative.dims, `the shape of promptEmbeds, [${positive.dims.join(', ')}]`);
  return concatBatch([repeatBatch(negative, numImagesPerPrompt), repeated]);
}
