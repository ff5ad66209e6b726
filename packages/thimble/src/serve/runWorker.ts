import type { Interruption } from '../Interruption.js';
import { tell } from '../standardOutput.js';
import { describeFailure } from '../describeFailure.js';
import { withoutUndefined } from '../withoutUndefined.js';
import { loadServer } from './loadServer.js';
import { servedModels } from './servedModels.js';
import type { WorkerFlags } from './ServeFlags.js';
import { untilSignal } from './untilSignal.js';

/** Does what `thimble worker` says: does jobs until a signal comes, then finishes the one that it has; a second one ends it at once. */
export async function runWorker(flags: WorkerFlags, interruption: Interruption): Promise<void> {
  const { createWorker } = await loadServer('worker');
  const { redis, keep, idle, results, model } = flags;
  const worker = await createWorker({
    redis,
    models: servedModels(model, flags),
    ...withoutUndefined({ keep, idle, results }),
  });
  worker.onFault((error) => {
    const { message, code } = describeFailure(error);
    tell(`thimble: ${message} [${code}]\n`);
  });
  try {
    await untilSignal(interruption, {
      begin: async () => tell(`thimble: does jobs of ${model.map(({ name }) => name).join(', ')}\n`),
      end: async () => worker.drain(),
    });
  } finally {
    await worker.close();
  }
}
