import type { ConformanceRule } from '../ConformanceRule.js';
import { violation } from '../violation.js';

export const deviceFreed: ConformanceRule = {
  name: 'device-freed',
  summary: 'leaves no session and no tensor on the device when it is removed',
  check: async (bench) => {
    const { before, left } = await bench.life();
    const [sessions, tensors] = [left.sessions - before.sessions, left.tensors - before.tensors];
    if (sessions <= 0 && tensors <= 0) return;
    throw violation(
      `${sessions} sessions and ${tensors} tensors are left on the device; free what you load, upload or keep, at the latest in ctx.onRemove`,
    );
  },
};
