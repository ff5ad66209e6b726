import type { ChildProcess } from 'node:child_process';

/** A Redis of a test's own. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly process: ChildProcess;
}

/** Where there is no Redis, tests that need one are skipped. */
export const { redisProgram, startRedis } = (await import(
  new URL('../../../../tools/redisServer.mjs', import.meta.url).href
)) as {
  readonly redisProgram: string | undefined;
  readonly startRedis: (...options: readonly string[]) => Promise<RedisServer>;
};
