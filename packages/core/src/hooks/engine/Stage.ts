/**
 * Stages of a tap by number: lower ones run first, and any number between them is a stage too. Named stages lie between `Default` and `Late`.
 * Within a stage, taps run in the order in which they were registered.
 */
export const Stage = {
  /** Before everyone who did not ask for a stage. */
  Early: -1000,
  /** Where a tap runs that does not ask. */
  Default: 0,
  /** After everyone who did not ask for a stage. */
  Late: 1000,
} as const;

/**
 * A stage by name, and where it lies among others of the same hook. Nobody lists stages: one exists where a tap is in it, and what several taps say of
 * one stage holds together. So anybody can place theirs between two others: `{ name: 'me:prune', after: 'storage', before: 'attention' }`.
 */
export interface NamedStage {
  /** Unique, with its author as prefix, unless it is one that several plugins share. */
  readonly name: string;
  /** Names of stages that it comes before. Unknown names are ignored. */
  readonly before?: string | readonly string[];
  /** Names of stages that it comes after. Unknown names are ignored. */
  readonly after?: string | readonly string[];
}
