/** What the program's exit codes mean; `thimble --help` tells the user. */
export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  hangup: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** One of {@link ExitCode}'s numbers. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
