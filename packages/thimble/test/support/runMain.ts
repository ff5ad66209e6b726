import { Readable } from 'node:stream';
import { jest } from '@jest/globals';
import { main } from '../../src/main.js';
import type { CliResult } from './CliRun.js';

/** What else a program is given. */
export interface MainInput {
  readonly cwd?: string;
  /** What the standard input says. */
  readonly input?: string;
}

/** Runs the command line in this process, which is quicker than a program; the standard output's bytes read as Latin-1. */
export async function runMain(args: readonly string[], { cwd, input }: MainInput = {}): Promise<CliResult> {
  const before = process.cwd();
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor;
  const said = { stdout: '', stderr: '' };
  const listen = (name: 'stdout' | 'stderr'): { mockRestore(): void } =>
    jest.spyOn(process[name], 'write').mockImplementation((data: string | Uint8Array, done?: unknown) => {
      said[name] += typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
      if (typeof done === 'function') (done as () => void)();
      return true;
    });
  const listeners = [listen('stdout'), listen('stderr')];
  if (input !== undefined)
    Object.defineProperty(process, 'stdin', { value: Readable.from([Buffer.from(input)]), configurable: true });
  if (cwd !== undefined) process.chdir(cwd);
  try {
    return { code: await main(args), ...said };
  } finally {
    for (const listener of listeners) listener.mockRestore();
    Object.defineProperty(process, 'stdin', stdin);
    process.chdir(before);
  }
}
