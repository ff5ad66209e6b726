import { once } from 'node:events';
import type * as server from '@thimble/server';
import { CliError } from '../CliError.js';
import { openPipeline } from '../generate/openPipeline.js';
import type { Interruption } from '../Interruption.js';
import { findPackage } from '../plugins/resolvePackage.js';
import { print, tell } from '../standardOutput.js';
import { withoutUndefined } from '../withoutUndefined.js';
import type { ServeFlags } from './ServeFlags.js';

const SERVER = '@thimble/server';

/** Does what `thimble serve` says: serves until a signal comes, then finishes the jobs that there are; a second one ends it at once. */
export async function runServe(flags: ServeFlags, interruption: Interruption): Promise<void> {
  const { createServer } = await loadServer();
  const serving = await createServer(serverOptions(flags));
  try {
    const signalled = new Promise<void>((resolve) => {
      interruption.onFirst(resolve);
    });
    const aborted = once(interruption.signal, 'abort').then(() => Promise.reject(interruption.signal.reason));
    aborted.catch(() => undefined);
    print(`${await serving.listen()}\n`);
    tell(`thimble: serves ${flags.model.map(({ name }) => name).join(', ')}\n`);
    await Promise.race([signalled, aborted]);
    const { queued, running } = await serving.service.queue.load();
    if (queued + running > 0) tell(`thimble: finishes ${queued + running} jobs, and ends; once more ends it now\n`);
    await Promise.race([serving.drain(), aborted]);
  } finally {
    await serving.close();
  }
}

/** The package is found as a plugin would be, for this one does not depend on it. @throws CliError ERR_SERVER_PACKAGE_NOT_FOUND */
async function loadServer(): Promise<typeof server> {
  const url = findPackage(SERVER);
  if (url === undefined) throw new CliError('ERR_SERVER_PACKAGE_NOT_FOUND', { package: SERVER });
  return (await import(url)) as typeof server;
}

function serverOptions(flags: ServeFlags): server.ServerOptions {
  const { host, port, token, keep, idle, retain, results, maxQueue, maxImages, maxSteps, maxPixels, bodyLimit } = flags;
  const { rateLimit, allowUrls, allowHost: allowedHosts, allowOrigin: allowedOrigins, logLevel } = flags;
  return {
    models: Object.fromEntries(flags.model.map(({ name, model }) => [name, definition(model, flags)])),
    ...withoutUndefined({ host, port, token, keep, idle, retain, results, maxQueue, maxImages, maxSteps, maxPixels }),
    ...withoutUndefined({ bodyLimit, rateLimit, allowUrls, allowedHosts, allowedOrigins, logLevel }),
  };
}

function definition(model: string, flags: ServeFlags): server.ModelDefinition {
  const told = new Set<string>();
  return {
    device: flags.device ?? 'cpu',
    open: async ({ signal }) =>
      openPipeline({ ...flags, model }, signal, (event) => {
        if (event.type !== 'warning' || told.has(event.message)) return;
        told.add(event.message);
        tell(`thimble: ${event.message} [${event.code}]\n`);
      }),
  };
}
