import { remove } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';
import { expectClean, holdingsOf } from '../Holdings.js';
import { expectPicture } from '../expectPicture.js';

export const reinstalls: ConformanceRule = {
  name: 'reinstalls',
  summary: 'can be used, removed and used again, and works as the first time',
  check: async (bench) => {
    const { with: expected } = await bench.life();
    const pipe = await bench.open();
    const before = await holdingsOf(pipe);
    const plugin = bench.create();
    for (const time of ['first', 'second']) {
      const handle = await bench.use(pipe, plugin);
      expectPicture(
        await bench.generate(pipe),
        expected,
        `the ${time} time that an instance is installed it gives another picture`,
      );
      await remove(handle);
      await expectClean(pipe, before, `after the ${time} removal`);
    }
  },
};
