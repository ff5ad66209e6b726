import { DiffusionPipeline } from '@thimble/core';
import { type FieldValues, isPassedOver, type ModelIndex, openModelIndex, partKind } from '@thimble/core/model';
import type { planFields } from '../PlanOptions.js';

/**
 * Opens a model's own models, without tokenizers: configs and headers are read, nothing is loaded.
 *
 * @throws what `fromPretrained` throws
 */
export async function openToPlan(model: string, values: FieldValues<typeof planFields>): Promise<DiffusionPipeline> {
  const { variant, revision, config, localFilesOnly, allowSymlinks, signal } = values;
  const where = { variant, revision, config, localFilesOnly, allowSymlinks, signal };
  const names = ({ components }: ModelIndex): string[] =>
    Object.entries(components).flatMap(([name, part]) =>
      part === null || isPassedOver(part.className) || partKind(part.className) !== 'model' ? [] : [name],
    );
  const index = await openModelIndex(model, { ...where, components: names, wanted: [] });
  return DiffusionPipeline.fromPretrained(model, {
    ...Object.fromEntries(Object.entries(where).filter(([, value]) => value !== undefined)),
    memoryLimit: 'none',
    ...(index.kind === 'pipeline' ? { components: names(index) } : {}),
    onProgress: () => undefined,
  });
}
