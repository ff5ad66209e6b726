import { CogVideoXDDIMScheduler } from './CogVideoXDDIMScheduler.js';
import { CogVideoXDPMScheduler } from './CogVideoXDPMScheduler.js';
import { DDIMScheduler } from './DDIMScheduler.js';
import { DDPMScheduler } from './DDPMScheduler.js';
import { DPMSolverMultistepScheduler } from './DPMSolverMultistepScheduler.js';
import { EulerAncestralDiscreteScheduler } from './EulerAncestralDiscreteScheduler.js';
import { EulerDiscreteScheduler } from './EulerDiscreteScheduler.js';
import { FlowMatchEulerDiscreteScheduler } from './FlowMatchEulerDiscreteScheduler.js';
import { HeunDiscreteScheduler } from './HeunDiscreteScheduler.js';
import { LCMScheduler } from './LCMScheduler.js';
import { LMSDiscreteScheduler } from './LMSDiscreteScheduler.js';
import { PNDMScheduler } from './PNDMScheduler.js';
import type { SchedulerClass } from './Scheduler.js';
import { UniPCMultistepScheduler } from './UniPCMultistepScheduler.js';

/** The schedulers that thimble has, by the `_class_name` of their configs. */
export const schedulerRegistry: Readonly<Record<string, SchedulerClass>> = {
  CogVideoXDDIMScheduler,
  CogVideoXDPMScheduler,
  DDIMScheduler,
  DDPMScheduler,
  DPMSolverMultistepScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  FlowMatchEulerDiscreteScheduler,
  HeunDiscreteScheduler,
  LCMScheduler,
  LMSDiscreteScheduler,
  PNDMScheduler,
  UniPCMultistepScheduler,
};
