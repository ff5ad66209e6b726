import type { ConformanceRule } from '../ConformanceRule.js';
import { expectPicture } from '../expectPicture.js';

export const tolerance: ConformanceRule = {
  name: 'tolerance',
  summary: 'changes pictures by no more than it documents',
  check: async (bench) => {
    expectPicture(
      (await bench.life()).with,
      await bench.plain(),
      'the picture with the plugin is not that without it',
      bench.options.tolerance,
    );
  },
};
