import type { ConformanceRule } from '../ConformanceRule.js';
import { violation } from '../violation.js';

export const timersCleared: ConformanceRule = {
  name: 'timers-cleared',
  summary: 'leaves no timer running when it is removed',
  check: async (bench) => {
    const { timers } = await bench.life();
    if (timers.length > 0)
      throw violation(
        `${timers.length} timers still run: ${timers.join('; ')}; clear them, at the latest in ctx.onRemove`,
      );
  },
};
