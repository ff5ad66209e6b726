import type { ConformanceRule } from '../ConformanceRule.js';
import { added } from '../Holdings.js';
import { violation } from '../violation.js';

export const filesClosed: ConformanceRule = {
  name: 'files-closed',
  summary: 'leaves no open file and no temporary file when it is removed',
  check: async (bench) => {
    const { before, left, temporary } = await bench.life();
    const open = added(before.files, left.files);
    if (open.length > 0) throw violation(`files are left open: ${open.join(', ')}`);
    if (temporary.length > 0) throw violation(`temporary files are left: ${temporary.join(', ')}`);
  },
};
