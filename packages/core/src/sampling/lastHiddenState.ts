import { checkMembers } from '../fields/checkMembers.js';
import type { Tensor } from 'onnxruntime-common';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { Component } from '../execution/Component.js';
import { refuseOption } from '../fields/refuseOption.js';

/**
 * The hidden state of CLIP's text encoder that Stable Diffusion is conditioned on, after the final norm: the last one, or the one `clipSkip` layers before it.
 *
 * @throws ERR_ARGUMENT_INVALID if the encoder has fewer layers
 */
export async function lastHiddenState(
  encoder: Component,
  inputs: Readonly<Record<string, Tensor>>,
  clipSkip: number,
  options: CallOptions,
): Promise<Tensor> {
  checkMembers('encoder', encoder, 'a text encoder', ['config', 'call', 'invoke']);
  if (clipSkip === 0) return (await encoder.call(inputs, options))['last_hidden_state'] as Tensor;
  const layers = checkClipSkip(encoder, clipSkip);
  const name = `hidden_states.${layers - clipSkip}`;
  const { [name]: hidden } = await encoder.call(inputs, { ...options, outputs: [name] });
  const normalized = await encoder.invoke('normalize', { hidden_states: hidden as Tensor }, options);
  return normalized['last_hidden_state'] as Tensor;
}

/** How many layers the text encoder has. @throws ERR_ARGUMENT_INVALID if fewer are there than are to be left out */
export function checkClipSkip({ config }: Pick<Component, 'config'>, clipSkip: number): number {
  const layers = Number(config['num_hidden_layers'] ?? 12);
  if (clipSkip > layers) refuseOption('clipSkip', clipSkip, `at most ${layers}, the layers of the text encoder`);
  return layers;
}
