import type { ChildProcess } from 'node:child_process';

/** A Redis of a test's own. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcess;
}

/** Where there is no Redis, tests that need one are skipped. */
export const redisProgram: string | undefined;

export function startRedis(...options: readonly string[]): Promise<RedisServer>;
