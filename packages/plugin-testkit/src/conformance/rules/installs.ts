import { remove } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';

export const installs: ConformanceRule = {
  name: 'installs',
  summary: 'can be installed and removed',
  check: async (bench) => {
    const pipe = await bench.open();
    await remove(await bench.use(pipe));
  },
};
