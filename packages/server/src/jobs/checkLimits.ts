import { ServerError } from '../ServerError.js';
import type { ServiceSettings } from '../ServerOptions.js';
import type { Generation } from './Generation.js';

/** Refuses what is more than the server allows. Values that are none of a number's are left to the model. @throws ERR_REQUEST_LIMIT */
export function checkLimits(
  options: Generation['options'],
  limits: Pick<ServiceSettings, 'maxImages' | 'maxSteps' | 'maxPixels'>,
): void {
  const { numInferenceSteps, numImagesPerPrompt, width, height, timesteps, sigmas } = options;
  const images = numberOr(numImagesPerPrompt, 1);
  check('n', images, limits.maxImages);
  for (const [param, steps] of [
    ['steps', numberOr(numInferenceSteps, 1)],
    ['timesteps', Array.isArray(timesteps) ? timesteps.length : 0],
    ['sigmas', Array.isArray(sigmas) ? sigmas.length : 0],
  ] as const)
    check(param, steps, limits.maxSteps);
  const pixels = numberOr(width, 1) * numberOr(height, 1) * images;
  if (pixels <= limits.maxPixels) return;
  const value = `${numberOr(width, 1)}x${numberOr(height, 1)}, ${images} of them`;
  throw new ServerError('ERR_REQUEST_LIMIT', { param: 'size', value, largest: `${limits.maxPixels} pixels in all` });
}

function check(param: string, value: number, largest: number): void {
  if (value > largest) throw new ServerError('ERR_REQUEST_LIMIT', { param, value, largest });
}

function numberOr(value: unknown, other: number): number {
  return typeof value === 'number' ? value : other;
}
