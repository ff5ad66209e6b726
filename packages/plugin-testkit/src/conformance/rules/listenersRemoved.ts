import type { ConformanceRule } from '../ConformanceRule.js';
import { added } from '../Holdings.js';
import { violation } from '../violation.js';

export const listenersRemoved: ConformanceRule = {
  name: 'listeners-removed',
  summary: "leaves no listener on the process, the pipeline, the device or a run's signal",
  check: async (bench) => {
    const { before, left, signals } = await bench.life();
    const listeners = added(before.listeners, left.listeners);
    if (listeners.length > 0)
      throw violation(`listeners are left: ${listeners.join(', ')}; take them away, at the latest in ctx.onRemove`);
    const aborts = Math.max(signals.with.own - signals.before.own, signals.with.run - signals.before.run);
    if (aborts > 0)
      throw violation(
        `a run leaves ${aborts} listeners on its signal; take them away when what they would end has ended`,
      );
  },
};
