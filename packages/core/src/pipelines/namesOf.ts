import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { Pipeline } from '../run/Pipeline.js';

/** Classes of pipelines by each name that `model_index.json` may have for them: their own, and their {@link PipelineConstructor.aliases}. */
export function namesOf<P extends Pipeline>(
  classes: Readonly<Record<string, PipelineConstructor<P>>>,
): Readonly<Record<string, PipelineConstructor<P>>> {
  return Object.fromEntries(
    Object.entries(classes).flatMap(([name, Class]) => [name, ...(Class.aliases ?? [])].map((each) => [each, Class])),
  );
}
