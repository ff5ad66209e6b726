import { Tensor } from 'onnxruntime-common';
import { concatBatch, repeatBatch } from '../execution/batch.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';

/** Embeddings in place of prompts, where they are given. */
export interface GivenEmbeds {
  readonly promptEmbeds: Tensor | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
  readonly pooledPromptEmbeds?: Tensor | undefined;
  readonly negativePooledPromptEmbeds?: Tensor | undefined;
  /** Default 1. */
  readonly numImagesPerPrompt?: number;
}

/** Makes embeddings of the negative prompts, or of the prompts. `like` are those of the prompts, once they are there. */
export type EncodeTexts = (negative: boolean, like: PromptEmbeds | undefined) => Promise<PromptEmbeds>;

/**
 * The embeddings of a run as the denoiser takes them, [n, …]: those of a prompt once for each of its pictures; with guidance [2n, …], the negative ones first.
 * What is not given is encoded.
 *
 * @throws ERR_ARGUMENT_INVALID for negative embeddings of another shape than the others
 */
export async function withNegative(given: GivenEmbeds, guided: boolean, encode: EncodeTexts): Promise<PromptEmbeds> {
  const { promptEmbeds, negativePromptEmbeds, numImagesPerPrompt: times = 1 } = given;
  const positive =
    promptEmbeds === undefined
      ? await encode(false, undefined)
      : { embeds: promptEmbeds, pooled: given.pooledPromptEmbeds };
  if (!guided) return { embeds: repeatBatch(positive.embeds, times), pooled: repeated(positive.pooled, times) };
  const negative =
    negativePromptEmbeds === undefined
      ? await encode(true, positive)
      : { embeds: negativePromptEmbeds, pooled: given.negativePooledPromptEmbeds };
  return {
    embeds: joined('negativePromptEmbeds', negative.embeds, positive.embeds, times) as Tensor,
    pooled: joined('negativePooledPromptEmbeds', negative.pooled, positive.pooled, times),
  };
}

/** What a missing negative prompt is to most checkpoints of SDXL: zeros of the shape of the prompt's embeddings. */
export function zerosLike({ embeds, pooled }: PromptEmbeds): PromptEmbeds {
  const zeros = ({ size, dims }: Tensor): Tensor => new Tensor('float32', new Float32Array(size), dims);
  return { embeds: zeros(embeds), pooled: pooled && zeros(pooled) };
}

function repeated(tensor: Tensor | undefined, times: number): Tensor | undefined {
  return tensor && repeatBatch(tensor, times);
}

function joined(
  name: string,
  negative: Tensor | undefined,
  positive: Tensor | undefined,
  times: number,
): Tensor | undefined {
  if (positive === undefined) return undefined;
  if (negative?.dims.join() !== positive.dims.join())
    refuseOption(name, negative?.dims, `the shape of those of the prompt, [${positive.dims.join(', ')}]`);
  return concatBatch([repeatBatch(negative, times), repeatBatch(positive, times)]);
}
