import type * as server from '@thimble/server';
import type { Interruption } from '../Interruption.js';
import { print, tell } from '../standardOutput.js';
import { withoutUndefined } from '../withoutUndefined.js';
import { collectWhenIdle } from './collectWhenIdle.js';
import { loadServer } from './loadServer.js';
import { servedModels } from './servedModels.js';
import type { ServeFlags } from './ServeFlags.js';
import { untilSignal } from './untilSignal.js';

/** Does what `thimble serve` says: serves until a signal comes, then finishes the jobs that there are; a second one ends it at once. */
export async function runServe(flags: ServeFlags, interruption: Interruption): Promise<void> {
  const { createServer } = await loadServer('serve');
  const serving = await createServer(serverOptions(flags));
  using collecting = collectWhenIdle(serving.service.queue);
  void collecting;
  try {
    await untilSignal(interruption, {
      begin: async () => {
        print(`${await serving.listen()}\n`);
        const names = flags.model?.map(({ name }) => name).join(', ') ?? 'what workers have';
        tell(`thimble: serves ${names}\n`);
      },
      end: async () => {
        const { queued, running } = await serving.service.queue.load();
        if (flags.redis === undefined && queued + running > 0)
          tell(`thimble: finishes ${queued + running} jobs, and ends; once more ends it now\n`);
        await serving.drain();
      },
    });
  } finally {
    await serving.close();
  }
}

function serverOptions(flags: ServeFlags): server.ServerOptions {
  const { host, port, token, keep, idle, retain, results, maxQueue, maxImages, maxSteps, maxPixels, bodyLimit } = flags;
  const { rateLimit, allowUrls, allowHost: allowedHosts, allowOrigin: allowedOrigins, logLevel, model, redis } = flags;
  const models = model === undefined ? undefined : servedModels(model, flags);
  return {
    ...withoutUndefined({ models, redis, host, port, token, keep, idle, retain, results, maxQueue, maxImages }),
    ...withoutUndefined({
      maxSteps,
      maxPixels,
      bodyLimit,
      rateLimit,
      allowUrls,
      allowedHosts,
      allowedOrigins,
      logLevel,
    }),
  };
}
