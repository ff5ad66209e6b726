import type * as server from '@thimble/server';
import { openPipeline } from '../generate/openPipeline.js';
import { tell } from '../standardOutput.js';
import { PromptLoraFolder } from './PromptLoraFolder.js';
import type { ServedFlags } from './ServeFlags.js';
import type { NamedModel } from './parseModel.js';

/** The models that the options name, by the names that requests use. */
export function servedModels(
  models: readonly NamedModel[],
  flags: Omit<ServedFlags, 'model'>,
): Readonly<Record<string, server.ModelDefinition>> {
  return Object.fromEntries(models.map(({ name, model }) => [name, definition(model, flags)]));
}

function definition(model: string, flags: Omit<ServedFlags, 'model'>): server.ModelDefinition {
  const told = new Set<string>();
  const { loraDir } = flags;
  const folder = loraDir === undefined ? undefined : new PromptLoraFolder(loraDir, flags);
  // A folder's LoRAs come and go, and those of every run with them.
  const opened = { ...flags, ...(folder === undefined ? {} : { lora: [] }), model };
  return {
    device: flags.device ?? 'cpu',
    open: async ({ signal }) =>
      openPipeline(opened, signal, (event) => {
        if (event.type !== 'warning' || told.has(event.message)) return;
        told.add(event.message);
        tell(`thimble: ${event.message} [${event.code}]\n`);
      }),
    ...(folder === undefined ? {} : { prepare: async (run) => folder.prepare(run), loras: async () => folder.names() }),
  };
}
