import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { CliRun, runCli } from './support/CliRun.js';
import { redisProgram, startRedis } from '../../../tools/redisServer.mjs';
import { temporaryFolder } from './support/temporaryFolder.js';

const TINY = `tiny=${testCheckpoint}`;
const folder = temporaryFolder();
/** Who asks without a pause takes the time of those who work. */
const PAUSE_MS = 20;

interface JobAnswer {
  readonly id: string;
  readonly status: string;
  readonly progress: { readonly step: number };
  readonly images: readonly [{ readonly url: string }];
}

async function post(url: string, body: object): Promise<JobAnswer> {
  const answer = await fetch(`${url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a cat', seed: 3, ...body }),
  });
  return (await answer.json()) as JobAnswer;
}

(redisProgram === undefined ? describe.skip : describe)('thimble worker', () => {
  test('where it is killed, another one does its job again, and gives the same bytes', async () => {
    await using redis = await startRedis();
    const server = new CliRun(
      ['serve', '--redis', redis.url, '--port', '0', '--rate-limit', '0', '--max-steps', '2000'],
      folder,
    );
    const [line] = (await once(server.process.stdout!, 'data')) as [Buffer];
    const url = line.toString().trim();
    const workerArgs = ['worker', '--redis', redis.url, '--model', TINY];
    const workers = [new CliRun(workerArgs, folder)];
    const find = async (id: string): Promise<JobAnswer> => {
      await setTimeout(PAUSE_MS);
      return (await (await fetch(`${url}/jobs/${id}`)).json()) as JobAnswer;
    };
    const finished = async (id: string): Promise<JobAnswer> => {
      for (;;) {
        const job = await find(id);
        if (job.status !== 'queued' && job.status !== 'running') return job;
      }
    };
    const models = async (): Promise<unknown[]> => {
      await setTimeout(PAUSE_MS);
      return ((await (await fetch(`${url}/v1/models`)).json()) as { data: unknown[] }).data;
    };
    while ((await models()).length === 0);

    const steps = 150;
    const direct = await finished((await post(url, { steps })).id);
    const { id } = await post(url, { steps });
    while ((await find(id)).progress.step === 0);
    workers[0]!.process.kill('SIGKILL');
    workers.push(new CliRun(workerArgs, folder));
    const again = await finished(id);
    expect([direct.status, again.status]).toEqual(['done', 'done']);
    const [first, second] = await Promise.all(
      [direct, again].map(async ({ images }) => Buffer.from(await (await fetch(images[0].url)).arrayBuffer())),
    );
    expect(first).toEqual(second);

    for (const run of [workers[1]!, server]) run.process.kill('SIGTERM');
    expect([(await workers[1]!.result).code, (await server.result).code]).toEqual([0, 0]);
    expect((await workers[1]!.result).stderr).toBe('thimble: does jobs of tiny\n');
  });
});

test('says what it needs', async () => {
  const [none, unreachable] = await Promise.all([
    runCli(['worker', '--model', TINY], folder),
    runCli(['worker', '--model', TINY, '--redis', 'redis://127.0.0.1:1'], folder),
  ]);
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("required option '--redis <address>'") });
  expect(unreachable).toMatchObject({ code: 1, stderr: expect.stringContaining('ERR_REDIS_UNAVAILABLE') });
});
