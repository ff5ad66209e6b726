import type { Tensor } from 'onnxruntime-common';
import type { CallOptions } from '../../hooks/calls/CallOptions.js';
import { drawNoise } from '../../random/drawNoise.js';
import type { Generator } from '../../random/Generator.js';
import { checkLatents } from './checkLatents.js';

/** Where unit noise comes from. */
export interface UnitNoise {
  readonly generator: Generator;
  /** The user's own, in place of the generator's. */
  readonly latents: Tensor | undefined;
  readonly dims: readonly number[];
  readonly options: CallOptions;
}

/** Unit noise of the size of latents: the user's, or drawn. @throws as {@link checkLatents} */
export async function unitNoise({ dims, generator, latents, options }: UnitNoise): Promise<Tensor> {
  checkLatents(latents, dims);
  return latents ?? drawNoise(generator, dims, options.signal);
}
