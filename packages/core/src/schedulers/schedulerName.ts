import { refuseOption } from '../fields/refuseOption.js';

/** The short name of a scheduler's class, by which {@link findScheduler} knows it too: `DDIMScheduler` is `ddim`. @throws ERR_ARGUMENT_INVALID for what is no text */
export function schedulerName(className: string): string {
  if (typeof className !== 'string') refuseOption('className', className, 'the name of a class');
  const words = className.replace(/Scheduler$/, '').replace(/(?:Discrete|Multistep)$/, '');
  return Object.hasOwn(OTHER_NAMES, className) ? OTHER_NAMES[className]! : words.toLowerCase();
}

/** Where the words of the class alone would be hard to read. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  DPMSolverMultistepScheduler: 'dpm',
  EulerAncestralDiscreteScheduler: 'euler-ancestral',
  KDPM2AncestralDiscreteScheduler: 'kdpm2-ancestral',
  FlowMatchEulerDiscreteScheduler: 'flow-euler',
  CogVideoXDDIMScheduler: 'cogvideox-ddim',
  CogVideoXDPMScheduler: 'cogvideox-dpm',
};
