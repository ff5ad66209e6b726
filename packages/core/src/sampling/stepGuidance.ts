import { refuseOption } from '../fields/refuseOption.js';

/** The guidance of a video's run. */
export interface StepGuidance {
  /** One for all steps, or one for each. */
  readonly guidanceScale: number | readonly number[];
  readonly useDynamicCfg: boolean;
}

/** @throws ERR_ARGUMENT_INVALID unless a list of guidance scales has one for each of `steps` calls of the model */
export function checkGuidanceList({ guidanceScale: scale }: StepGuidance, steps: number): void {
  if (typeof scale === 'number' || scale.length === steps) return;
  refuseOption('guidanceScale', scale, `a finite number, or a list of ${steps}, one for each step`);
}

/** The guidance of one of `steps`. With dynamic guidance diffusers takes the timestep for the step's index, so that the scale swings; so do we. */
export function guidanceAt(guidance: StepGuidance, index: number, timestep: number, steps: number): number {
  const { guidanceScale, useDynamicCfg } = guidance;
  const scale = typeof guidanceScale === 'number' ? guidanceScale : (guidanceScale[index] as number);
  return useDynamicCfg ? 1 + scale * ((1 - Math.cos(Math.PI * ((steps - timestep) / steps) ** 5)) / 2) : scale;
}
