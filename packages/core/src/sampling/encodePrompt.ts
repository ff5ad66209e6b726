import { Tensor } from 'onnxruntime-common';
import type { PromptChunk, PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import { Wrapping } from '../hooks/engine/Wrapping.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { EncodingCall, type PromptEncoder } from './EncodingCall.js';

/**
 * Encodes prompts with one text encoder: calls the `encodePrompt` hook, makes tokens, warns of what does not fit, and calls the encoder, unless a tap has given
 * the embeddings.
 *
 * @throws what hooks, tokenizer and encoder throw
 */
export async function encodePrompt(
  run: PipelineRun,
  encoder: PromptEncoder,
  prompts: readonly string[],
  negative: boolean,
): Promise<PromptEmbeds> {
  const wrapping = new Wrapping<readonly PromptChunk[], PromptEmbeds>();
  const call = new EncodingCall(encoder, { prompts, negative, run, wrap: wrapping.wrap });
  await run.hooks.encodePrompt.call(call);
  const { embeds, pooled } = call;
  if (embeds !== undefined) return { embeds, pooled };
  if (call.cut) warnOfRest(run, call.prompts, encoder);
  return wrapping.run(async (chunks) => encodeChunks(chunks, encoder, negative), call.chunks);
}

function warnOfRest(run: PipelineRun, prompts: readonly string[], { tokenizer, maxLength }: PromptEncoder): void {
  for (const prompt of prompts) {
    const rest = tokenizer.truncated(prompt, { maxLength });
    if (rest === undefined) continue;
    const message = `The prompt is longer than ${maxLength} tokens; this was left out: "${rest}"`;
    run.emit({ type: 'warning', code: 'WARN_PROMPT_TRUNCATED', message });
  }
}

/** Each chunk is a call of the encoder; the tokens of all follow one another. */
async function encodeChunks(
  chunks: readonly PromptChunk[],
  { encode }: PromptEncoder,
  negative: boolean,
): Promise<PromptEmbeds> {
  const parts: PromptEmbeds[] = [];
  for (const { input_ids, inputs_embeds } of chunks)
    parts.push(await encode({ input_ids, ...(inputs_embeds === undefined ? {} : { inputs_embeds }) }, negative));
  const embeds = joinTokens(parts.map((part) => part.embeds));
  return { embeds, pooled: parts[0]?.pooled };
}

/** [n, a, width] and [n, b, width] → [n, a + b, width]. */
function joinTokens(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as readonly [Tensor];
  if (tensors.length === 1) return first;
  const [count, , width] = first.dims as [number, number, number];
  const tokens = tensors.reduce((sum, { dims }) => sum + (dims[1] as number), 0);
  const data = new Float32Array(count * tokens * width);
  let at = 0;
  for (let sample = 0; sample < count; sample++) {
    for (const { data: values, size } of tensors) {
      const length = size / count;
      data.set((values as Float32Array).subarray(sample * length, (sample + 1) * length), at);
      at += length;
    }
  }
  return new Tensor('float32', data, [count, tokens, width]);
}
