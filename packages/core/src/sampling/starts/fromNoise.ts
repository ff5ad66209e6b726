import { checkMembers } from '../../fields/checkMembers.js';
import type { Tensor } from 'onnxruntime-common';
import type { Generator } from '../../random/Generator.js';
import { mapTensor } from '../../schedulers/numeric/tensors.js';
import type { Scheduler } from '../../schedulers/Scheduler.js';
import { checkLatents } from './checkLatents.js';
import type { Start } from './Start.js';

/** What a start from noise is made of. */
export interface NoiseStart {
  readonly scheduler: Scheduler;
  /** Where the noise is drawn from, unless it is given. */
  readonly generator: Generator;
  /** Unit noise of the user's. */
  readonly latents: Tensor | undefined;
  /** The sizes of the latents. */
  readonly dims: readonly number[];
}

/** Begins at the first timestep, with noise at the scheduler's scale. @throws ERR_ARGUMENT_INVALID for latents of another size; ERR_LATENTS_NAN */
export function fromNoise(start: NoiseStart): Start {
  checkMembers('start', start, '{ scheduler, generator, dims }', ['scheduler', 'generator', 'dims']);
  const { scheduler, generator, latents, dims } = start;
  checkLatents(latents, dims);
  const noise = latents ?? generator.randn(dims);
  const sigma = scheduler.initNoiseSigma;
  return { latents: mapTensor(noise, (x) => x * sigma), beginIndex: 0 };
}
