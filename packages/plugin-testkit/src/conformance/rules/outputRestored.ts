import type { ConformanceRule } from '../ConformanceRule.js';
import { expectPicture } from '../expectPicture.js';

export const outputRestored: ConformanceRule = {
  name: 'output-restored',
  summary: 'is gone bit for bit when it is removed',
  check: async (bench) => {
    expectPicture((await bench.life()).after, await bench.plain(), 'the picture after removal is not that of before');
  },
};
