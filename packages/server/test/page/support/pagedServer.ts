import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DiffusionPipeline } from '@thimble/core';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { createServer, type ServerOptions, type ThimbleServer } from '../../../src/index.js';

const DEMO = fileURLToPath(new URL('../../../../../models/demo', import.meta.url));

/** How long each step takes longer, in milliseconds, and the pipeline that was opened last. */
export const pace: { pause: number; opened?: DiffusionPipeline } = { pause: 0 };

/** Opens the demo model, whose steps take as long as {@link pace} says. */
async function openDemo(): Promise<DiffusionPipeline> {
  return paced(await DiffusionPipeline.fromPretrained(DEMO, { memoryLimit: '600MB' }));
}

/** Opens the tiny checkpoint, which is there at once and draws nothing; with the same steps. */
async function openTiny(): Promise<DiffusionPipeline> {
  return paced(await createTestPipeline());
}

function paced(pipe: DiffusionPipeline): DiffusionPipeline {
  pace.opened = pipe;
  pipe.hooks.afterStep.tap('pace', async () => sleep(pace.pause));
  return pipe;
}

/** A server for a browser, of the demo model, or of the tiny checkpoint. */
export async function pagedServer(
  model: 'demo' | 'tiny',
  options: Partial<ServerOptions> = {},
): Promise<ThimbleServer> {
  const open = model === 'demo' ? openDemo : openTiny;
  return createServer({ models: { [model]: { open } }, port: 0, logLevel: 'error', rateLimit: 0, ...options });
}
