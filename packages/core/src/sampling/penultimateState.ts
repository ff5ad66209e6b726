import type { Tensor } from 'onnxruntime-common';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { PromptEmbeds } from '../hooks/calls/EncodePromptCall.js';
import type { Component } from '../execution/Component.js';
import { refuseOption } from '../fields/refuseOption.js';

/** What is taken of an encoder. */
export interface PenultimateOptions {
  /** Layers to leave out beside the last one. */
  readonly clipSkip: number;
  /** Whether an encoder without a projection gives its pooled token as it is. Default false. */
  readonly unprojected?: boolean | undefined;
}

/**
 * What SDXL is conditioned on of a CLIP text encoder: the hidden state before the last layer, or the one `clipSkip` layers before that, without the final norm; and the
 * projection of the pooled token, of an encoder that has one.
 *
 * @throws ERR_ARGUMENT_INVALID if the encoder has fewer layers
 */
export async function penultimateState(
  encoder: Component,
  inputs: Readonly<Record<string, Tensor>>,
  { clipSkip, unprojected = false }: PenultimateOptions,
  options: CallOptions,
): Promise<PromptEmbeds> {
  const last = checkPenultimate(encoder, clipSkip);
  const state = `hidden_states.${last - clipSkip}`;
  const plain = unprojected ? 'pooler_output' : undefined;
  const pooled = encoder.model.className === 'CLIPTextModelWithProjection' ? 'text_embeds' : plain;
  const names = pooled === undefined ? [state] : [state, pooled];
  const outputs = await encoder.call(inputs, { ...options, outputs: names });
  return { embeds: outputs[state] as Tensor, pooled: pooled === undefined ? undefined : outputs[pooled] };
}

/** The number of the layer before the last. @throws ERR_ARGUMENT_INVALID if fewer are there than are to be left out beside the last one */
export function checkPenultimate({ name, config }: Pick<Component, 'name' | 'config'>, clipSkip: number): number {
  const last = Number(config['num_hidden_layers'] ?? 12) - 1;
  if (clipSkip > last)
    refuseOption('clipSkip', clipSkip, `at most ${last}: of the layers of ${name} the last one is left out anyway`);
  return last;
}
