import { setTimeout as sleep } from 'node:timers/promises';
import type { DiffusionPipeline } from '@thimble/core';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { createServer, type ServerOptions, type ThimbleServer } from '../../src/index.js';

/** Opens the tiny checkpoint; after each step it waits for so many milliseconds. */
export async function openTiny(pause = 0): Promise<DiffusionPipeline> {
  const pipe = await createTestPipeline();
  if (pause > 0) pipe.hooks.afterStep.tap('pause', async () => sleep(pause));
  return pipe;
}

/** A server of the tiny checkpoint, on a port that is free: `tiny`, and `slow`, whose steps take a tenth of a second. */
export async function tinyServer(options: Partial<ServerOptions> = {}): Promise<ThimbleServer> {
  return createServer({
    models: { tiny: { open: async () => openTiny() }, slow: { open: async () => openTiny(100) } },
    keep: 2,
    port: 0,
    logLevel: 'error',
    rateLimit: 0,
    ...options,
  });
}

/** A short run of `tiny`. */
export const SHORT = { steps: 2, guidance_scale: 2 };

/** Resolves once `test` says so. @throws after fifty seconds */
export async function until(test: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 50_000;
  while (!(await test())) {
    if (Date.now() > end) throw new Error('it did not come true');
    await sleep(10);
  }
}
