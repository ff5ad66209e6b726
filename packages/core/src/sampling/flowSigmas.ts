import { linspace } from '../schedulers/numeric/numpy.js';

/** The noise levels that diffusers' pipelines for flow matching hand to the scheduler, before it shifts them: from 1 to 1 / n. */
export function flowSigmas(steps: number): readonly number[] {
  return linspace(1, 1 / steps, steps);
}
