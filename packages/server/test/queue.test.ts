import { afterAll, beforeAll, describe } from '@jest/globals';
import { InProcessQueue, type JobState } from '../src/index.js';
import { RedisConnection, RedisQueue, RedisWorker } from '../src/redis/index.js';
import { runQueueConformance } from './support/queueConformance.js';
import { redisProgram, type RedisServer, startRedis } from '../../../tools/redisServer.mjs';

describe('a queue of this process', () => {
  runQueueConformance(async (process, { maxQueue = 100, retain = 60_000 }) => {
    const ended: JobState[] = [];
    const onEnd = (state: JobState): void => void ended.push(state);
    const queue = new InProcessQueue(process, { maxQueue, retain, laneOf: () => 'cpu', onEnd });
    return { queue, ended, [Symbol.asyncDispose]: async () => queue.close() };
  });
});

(redisProgram === undefined ? describe.skip : describe)('a queue in Redis, with a worker', () => {
  let redis: RedisServer;
  let database = 0;
  beforeAll(async () => {
    redis = await startRedis('--databases', '100');
  });
  afterAll(async () => redis?.[Symbol.asyncDispose]());

  runQueueConformance(async (process, { maxQueue = 100, retain = 60_000 }) => {
    const url = `${redis.url}/${database++}`;
    const [front, back] = [
      await RedisConnection.open(url, { patient: false }),
      await RedisConnection.open(url, { patient: true }),
    ];
    const ended: JobState[] = [];
    const onEnd = (state: JobState): void => void ended.push(state);
    const queue = await RedisQueue.create(front, { maxQueue, retain, onEnd, lanes: () => 1 });
    const worker = await RedisWorker.start(back, process, {
      models: new Map([['a model/1', 'cpu']]),
      opened: () => ['a model/1'],
    });
    return {
      queue,
      ended,
      [Symbol.asyncDispose]: async () => {
        await queue.close();
        await worker.close();
        await Promise.all([front.close(), back.close()]);
      },
    };
  });
});
