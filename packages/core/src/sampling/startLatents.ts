import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { Generator } from '../random/Generator.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import { assertFinite } from './assertFinite.js';
import type { GenerateOptions } from '../run/GenerateOptions.js';

/** The latents that a run starts from: those that are given, or fresh noise, at the scheduler's scale. @throws ERR_ARGUMENT_INVALID, ERR_LATENTS_NAN */
export function startLatents(
  { latents }: GenerateOptions,
  dims: readonly number[],
  generator: Generator,
  scheduler: Scheduler,
): Tensor {
  if (latents !== undefined) {
    if (latents.type !== 'float32' || latents.dims.join() !== dims.join()) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'latents',
        value: `${latents.type} [${latents.dims.join(', ')}]`,
        expected: `float32 [${dims.join(', ')}]`,
      });
    }
    assertFinite(latents, 'given as latents');
  }
  const noise = latents ?? generator.randn(dims);
  const sigma = scheduler.initNoiseSigma;
  return new Tensor(
    'float32',
    (noise.data as Float32Array).map((x) => x * sigma),
    dims,
  );
}
