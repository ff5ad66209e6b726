import type { Value } from '../graph/Value.js';
import type { ModelInput } from './Model.js';
import type { UNetOptions } from './UNetOptions.js';

/** Tokens of a picture for cross-attention, under the names that the segments with transformers have for them. */
export interface ImageTokens {
  /** [n, image tokens, crossAttentionDim]. */
  readonly ip_hidden_states?: Value | undefined;
  /** How much what they give is worth, [n or 1]. */
  readonly ip_adapter_scale?: Value | undefined;
}

/** The UNet's inputs for tokens of a picture. */
export function imageTokenInputs({ crossAttentionDim }: UNetOptions): Record<keyof ImageTokens, ModelInput> {
  const dims = ['batch', 'imageTokens', crossAttentionDim[0] as number];
  return {
    ip_hidden_states: { types: ['float32'], dims, optional: true },
    ip_adapter_scale: { types: ['float32'], dims: ['batch'], optional: true },
  };
}
