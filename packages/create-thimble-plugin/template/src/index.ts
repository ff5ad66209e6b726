export { __CLASS__ } from './__CLASS__.js';
export type { StepTime, __CLASS__Options } from './__CLASS__.js';
