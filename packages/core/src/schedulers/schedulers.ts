// Every scheduler that thimble has: a new one takes one line here. The registry and the public entry are made from this list.
export { CogVideoXDDIMScheduler } from './CogVideoXDDIMScheduler.js';
export { CogVideoXDPMScheduler } from './CogVideoXDPMScheduler.js';
export { DDIMScheduler } from './DDIMScheduler.js';
export { DDPMScheduler } from './DDPMScheduler.js';
export { DEISMultistepScheduler } from './DEISMultistepScheduler.js';
export { DPMSolverMultistepScheduler } from './DPMSolverMultistepScheduler.js';
export { EulerAncestralDiscreteScheduler } from './EulerAncestralDiscreteScheduler.js';
export { EulerDiscreteScheduler } from './EulerDiscreteScheduler.js';
export { FlowMatchEulerDiscreteScheduler } from './FlowMatchEulerDiscreteScheduler.js';
export { HeunDiscreteScheduler } from './HeunDiscreteScheduler.js';
export { KDPM2AncestralDiscreteScheduler } from './KDPM2AncestralDiscreteScheduler.js';
export { KDPM2DiscreteScheduler } from './KDPM2DiscreteScheduler.js';
export { LCMScheduler } from './LCMScheduler.js';
export { LMSDiscreteScheduler } from './LMSDiscreteScheduler.js';
export { PNDMScheduler } from './PNDMScheduler.js';
export { UniPCMultistepScheduler } from './UniPCMultistepScheduler.js';
