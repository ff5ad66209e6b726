import type { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../../fields/refuseOption.js';
import { assertFinite } from '../assertFinite.js';

/** Checks latents that were given, if any were. @throws ERR_ARGUMENT_INVALID for latents of another size; ERR_LATENTS_NAN */
export function checkLatents(latents: Tensor | undefined, dims: readonly number[]): void {
  if (latents === undefined) return;
  if (latents.dims.join() !== dims.join())
    refuseOption('latents', `${latents.type} [${latents.dims.join(', ')}]`, `float32 [${dims.join(', ')}]`);
  assertFinite(latents, 'given as latents');
}
