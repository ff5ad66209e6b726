import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ThimbleServer } from '../src/index.js';
import { tinyServer } from './support/tinyServer.js';
import { fuzz } from './support/fuzz.js';

/** By hand: THIMBLE_FUZZ=10000. */
const REQUESTS = Number(process.env['THIMBLE_FUZZ'] ?? 150);
const SEED = Number(process.env['THIMBLE_FUZZ_SEED'] ?? 1);

let server: ThimbleServer;
let url: string;
beforeAll(async () => {
  server = await tinyServer({
    maxSteps: 2,
    maxImages: 2,
    maxPixels: 128 * 128,
    maxQueue: 4,
    bodyLimit: 200_000,
    logLevel: 'silent',
  });
  url = await server.listen();
});
afterAll(async () => server.close());

test(`${REQUESTS} requests of any kind are answered, and none by an error of the server`, async () => {
  const { statuses, failures } = await fuzz(url, REQUESTS, SEED);
  expect(failures).toEqual([]);
  expect(statuses.size).toBeGreaterThan(3);
  expect((await fetch(`${url}/health`)).status).toBe(200);
}, 3_600_000);
