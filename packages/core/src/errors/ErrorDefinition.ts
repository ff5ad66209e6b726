/** Describes one kind of failure: what it means, and how its message is made from its details. */
export interface ErrorDefinition {
  /** One line for an error reference. */
  readonly summary?: string;
  /** Says what happened, where, and what to do. What it takes are the error's details: plain data. */
  readonly message: (details: never) => string;
}

/** Kinds of failures by their codes. Codes are API: they are never renamed or reused; messages may change. */
export type ErrorDefinitions = Readonly<Record<`ERR_${string}`, ErrorDefinition>>;

/** What an error of code `C` out of `R` says about itself. */
export type DetailsOf<R extends ErrorDefinitions, C extends keyof R> = R[C] extends ErrorDefinition
  ? Parameters<R[C]['message']>[0]
  : never;
