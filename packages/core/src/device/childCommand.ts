import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { TENSOR_PIPE } from './messages.js';

/** How a child process is started, as `fork` takes it. */
export interface ChildCommand {
  /** Whether a shell is its parent, which tells over the pipe {@link STATUS_PIPE} what number it has and how it ended. */
  readonly byShell: boolean;
  readonly args: readonly string[];
  readonly options: { readonly execPath: string; readonly execArgv: string[]; readonly env: NodeJS.ProcessEnv };
}

/** What {@link childCommand} asks of the system. */
export interface ChildSystem {
  readonly platform: NodeJS.Platform;
  readonly isMainThread: boolean;
  readonly exists: (path: string) => boolean;
}

/** The file descriptor by which a shell tells of its child. */
export const STATUS_PIPE = TENSOR_PIPE + 1;

const SHELL = '/bin/sh';
const EXECUTABLE = 'THIMBLE_EXECUTABLE';

/** Starts the worker, tells its process number, waits for it, and tells how it ended; the shell that does so is a child of this process no longer. */
const SCRIPT = `{ "$${EXECUTABLE}" "$@" "$0" ${STATUS_PIPE}>&- & echo $! >&${STATUS_PIPE}; wait $! 2>&-; echo $? >&${STATUS_PIPE}; } &`;

const HERE: ChildSystem = { platform: process.platform, isMainThread, exists: existsSync };

/**
 * How a program of Node's is started. A child that has ended is there until its parent has asked how, which a thread that was terminated cannot do, and the other threads do not; so a worker
 * thread's child has a shell for a parent. Windows keeps no such child.
 *
 * @param flags of Node
 */
export function childCommand(
  flags: readonly string[],
  env: NodeJS.ProcessEnv,
  { platform, isMainThread: isMain, exists }: ChildSystem = HERE,
): ChildCommand {
  if (isMain || platform === 'win32' || !exists(SHELL))
    return { byShell: false, args: [], options: { execPath: process.execPath, execArgv: [...flags], env } };
  return {
    byShell: true,
    args: flags,
    options: { execPath: SHELL, execArgv: ['-c', SCRIPT], env: { ...env, [EXECUTABLE]: process.execPath } },
  };
}

/** From this number on a shell tells of a signal. */
const SIGNALS = 128;

/** How a child ended, by what a shell says of it. */
export function reasonOfStatus(status: number): string {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - SIGNALS);
  return signal === undefined ? `exit code ${status}` : `signal ${signal[0]}`;
}
