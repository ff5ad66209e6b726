// The public API of @thimble/planner.
export { MemoryPlanner } from './MemoryPlanner.js';
export type { MemoryPlannerParts } from './MemoryPlanner.js';
export { MemoryPlannerPlugin } from './MemoryPlannerPlugin.js';
export type { MemoryPlannerOptions } from './MemoryPlannerPlugin.js';
export type { RunShape } from './model/RunShape.js';
export type { Alternative, Plan } from './Plan.js';
export { openPlanner, planMemory } from './planMemory.js';
export type { OpenedPlanner } from './planMemory.js';
export { planOrRefuse } from './planOrRefuse.js';
export type { PlanRequest } from './planOrRefuse.js';
export type { PlanOptions } from './PlanOptions.js';
export type { InstalledPlugin } from './techniques/combinations.js';
export { runNeeds } from './runNeeds.js';
export type { CallNeeds, RunNeeds } from './runNeeds.js';
export type { NamedBytes } from './model/CallFacts.js';
export { QUALITIES } from './techniques/Setup.js';
export type { Quality } from './techniques/Setup.js';
export type { MachineSpeed } from './time/MachineSpeed.js';
