import type { DerivedWeightsProgress } from '../weights/cache/DerivedWeightsCache.js';
import type { PluginHostPipeline } from './PluginHostPipeline.js';

/** Tells a pipeline how far a task has come, once for each percent: what is told comes in thousands of pieces. */
export function percentProgress(
  pipeline: Pick<PluginHostPipeline, 'progress'>,
  task: string,
): (progress: DerivedWeightsProgress) => void {
  let percent = -1;
  return ({ loaded, total }) => {
    const now = Math.floor((100 * loaded) / total);
    if (now === percent) return;
    percent = now;
    pipeline.progress(task, loaded, total);
  };
}
