import { OTHER_PROMPTS } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';
import { expectPicture } from '../expectPicture.js';

export const runsIndependent: ConformanceRule = {
  name: 'runs-independent',
  summary: 'keeps nothing from one run to the next that changes it',
  check: async (bench) => {
    const pipe = await bench.open();
    await bench.use(pipe);
    const first = await bench.generate(pipe);
    expectPicture(await bench.generate(pipe), first, 'the same run gives another picture the second time');
    const other = await bench.generate(pipe, OTHER_PROMPTS);
    expectPicture(
      await bench.generate(pipe),
      first,
      'the same run gives another picture after a run of another prompt',
    );
    const fresh = await bench.open();
    await bench.use(fresh);
    expectPicture(
      other,
      await bench.generate(fresh, OTHER_PROMPTS),
      'a run of another prompt gives another picture than a new instance of the plugin in a new pipeline',
    );
  },
};
