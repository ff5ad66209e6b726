import type { ConformanceRule } from '../ConformanceRule.js';
import { added, openFiles } from '../Holdings.js';
import { violation } from '../violation.js';

export const disposal: ConformanceRule = {
  name: 'disposal',
  summary: 'does not disturb a pipeline that is disposed with it',
  check: async (bench) => {
    const files = await openFiles();
    const pipe = await bench.open();
    await bench.use(pipe);
    await bench.generate(pipe);
    await pipe.dispose().catch((error: unknown) => {
      throw violation('the pipeline cannot be disposed with the plugin in it', error);
    });
    const open = added(files, await openFiles());
    if (open.length > 0) throw violation(`files are left open by a pipeline that was disposed: ${open.join(', ')}`);
  },
};
