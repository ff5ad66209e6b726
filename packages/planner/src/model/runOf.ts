import type { DiffusionPipeline } from '@thimble/core';
import type { FieldValues } from '@thimble/core/model';
import type { planFields } from '../PlanOptions.js';
import type { RunShape } from './RunShape.js';

/** How large a run is, by what was asked for and the model's defaults. */
export function runOf({ defaults, calls }: DiffusionPipeline, values: FieldValues<typeof planFields>): RunShape {
  const { width, height, numFrames, numInferenceSteps, guidance, count } = values;
  const own = (name: string, otherwise: number): number => Number(defaults[name] ?? otherwise);
  return {
    width: width ?? own('width', 512),
    height: height ?? own('height', 512),
    frames: numFrames ?? own('numFrames', 1),
    count,
    steps: numInferenceSteps ?? own('numInferenceSteps', 1),
    guided: (guidance ?? own('guidanceScale', 1)) > calls.guidedAbove,
  };
}
