import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

/** The checkpoint that the tests run: tiny, with random weights. */
export const MODEL = fileURLToPath(new URL('../../../core/test/fixtures/sd-tiny', import.meta.url));

/** How a program ended, and what it said. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built program as a child process; its standard outputs are pipes. */
export class CliRun {
  readonly process: ChildProcess;
  readonly result: Promise<CliResult>;

  constructor(args: readonly string[], cwd: string) {
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HF_HUB_OFFLINE: '1', THIMBLE_DEBUG: '' },
    });
    this.process = child;
    const ended = once(child, 'close') as Promise<[number | null]>;
    this.result = Promise.all([ended, text(child.stdout), text(child.stderr)]).then(([[code], stdout, stderr]) => ({
      code,
      stdout,
      stderr,
    }));
  }

  /** Resolves once the standard output holds `words`. */
  async says(words: string): Promise<void> {
    let seen = '';
    await new Promise<void>((resolve, reject) => {
      this.process.stdout?.on('data', (chunk: Buffer) => {
        seen += chunk.toString();
        if (seen.includes(words)) resolve();
      });
      this.process.once('close', () => reject(new Error(`ended without saying ${words}`)));
    });
  }

  /** Processes that this one has started. */
  get children(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => parentOf(pid) === this.process.pid);
  }
}

/** Whether a process is there and has not ended. */
export function isRunning(pid: number): boolean {
  return !['Z', 'X', undefined].includes(statOf(pid)?.[0]);
}

/** Runs the program to its end. */
export async function runCli(args: readonly string[], cwd: string): Promise<CliResult> {
  return new CliRun(args, cwd).result;
}

/** The lines of `--json`. */
export function jsonLines(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function parentOf(pid: number): number | undefined {
  return Number(statOf(pid)?.[1]);
}

/** State, parent and more: what follows the name in parentheses. */
function statOf(pid: number): string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
  } catch {
    return undefined;
  }
}
