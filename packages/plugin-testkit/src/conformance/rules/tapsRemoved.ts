import type { ConformanceRule } from '../ConformanceRule.js';
import { added } from '../Holdings.js';
import { violation } from '../violation.js';

export const tapsRemoved: ConformanceRule = {
  name: 'taps-removed',
  summary: 'leaves no tap when it is removed',
  check: async (bench) => {
    const { before, left } = await bench.life();
    const taps = added(before.taps, left.taps);
    if (taps.length > 0)
      throw violation(`taps are left: ${taps.join(', ')}; tap ctx.hooks, whose taps go with the plugin`);
  },
};
