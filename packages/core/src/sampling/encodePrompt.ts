import type { Tensor } from 'onnxruntime-common';
import { checkMembers } from '../fields/checkMembers.js';
import type { PromptChunk, PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import { Wrapping } from '../hooks/engine/Wrapping.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import { checkTokens } from './checkTokens.js';
import { joinTokens } from './gridTokens.js';
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
  checkMembers('run', run, 'a run', ['hooks']);
  checkMembers('encoder', encoder, '{ encoder, tokenizer, maxLength, encode }', ['encoder', 'tokenizer', 'encode']);
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
  encoder: PromptEncoder,
  negative: boolean,
): Promise<PromptEmbeds> {
  const parts: PromptEmbeds[] = [];
  for (const { input_ids, attention_mask, inputs_embeds } of chunks) {
    if (inputs_embeds === undefined) checkTokens(encoder, input_ids);
    parts.push(await encoder.encode(given({ input_ids, attention_mask, inputs_embeds }), negative));
  }
  const embeds = joinTokens(parts.map((part) => part.embeds));
  return { embeds, pooled: parts[0]?.pooled };
}

/** What there is of a chunk. */
function given(inputs: Readonly<Record<string, Tensor | undefined>>): NamedTensors {
  return Object.fromEntries(
    Object.entries(inputs).filter((entry): entry is [string, Tensor] => entry[1] !== undefined),
  );
}
