/**
 * Named stages of a tap: lower ones run first. Any number between them is a stage too; the gaps are for those who must run
 * between two others. Within a stage, taps run in the order in which they were registered.
 */
export const Stage = {
  /** Before everyone who did not ask for a stage. */
  Early: -1000,
  /** Where a tap runs that does not ask. */
  Default: 0,
  /** After everyone who did not ask for a stage. */
  Late: 1000,
} as const;
