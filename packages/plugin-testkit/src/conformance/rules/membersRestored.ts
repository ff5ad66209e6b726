import type { ConformanceRule } from '../ConformanceRule.js';
import { changedMembers } from '../membersOf.js';
import { violation } from '../violation.js';

export const membersRestored: ConformanceRule = {
  name: 'members-restored',
  summary: 'leaves no method and no property of the pipeline or its parts replaced when it is removed',
  check: async (bench) => {
    const { before, left } = await bench.life();
    const changed = changedMembers(before.members, left.members);
    if (changed.length > 0)
      throw violation(`${changed.join(', ')} is not what it was; use the hooks, which need no patch`);
  },
};
