import type { DiffusionPipeline } from '@thimble/core';
import type { FieldValues } from '@thimble/core/model';
import { readOptions } from '@thimble/core/plugin';
import type { planFields } from '../PlanOptions.js';
import type { RunShape } from './RunShape.js';

/** What a run takes or refuses by the model's own sizes. */
const SIZES = ['width', 'height', 'numFrames'] as const;

/** How large a run is, by what was asked for and the model's defaults. @throws ERR_ARGUMENT_INVALID for a size that the model's runs refuse */
export function runOf(pipe: DiffusionPipeline, values: FieldValues<typeof planFields>): RunShape {
  const { defaults, calls, optionFields } = pipe;
  const own = SIZES.filter((name) => optionFields[name] !== undefined);
  readOptions(pick(own, values), pick(own, optionFields), 'planMemory');
  const { width, height, numFrames, numInferenceSteps, guidance, count } = values;
  const usual = (name: string, otherwise: number): number => Number(defaults[name] ?? otherwise);
  return {
    width: width ?? usual('width', 512),
    height: height ?? usual('height', 512),
    frames: numFrames ?? usual('numFrames', 1),
    count,
    steps: numInferenceSteps ?? usual('numInferenceSteps', 1),
    guided: (guidance ?? usual('guidanceScale', 1)) > calls.guidedAbove,
  };
}

function pick<K extends string, T>(names: readonly K[], from: Readonly<Partial<Record<K, T>>>): Record<K, T> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Record<K, T>;
}
