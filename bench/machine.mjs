import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** One line that says what the figures come from. */
export function describeMachine() {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  const simd = ['avx512_vnni', 'avx512f', 'avx2'].find((flag) => flags.includes(flag)) ?? 'no AVX2';
  return `${cpus().length} cores (${cpus()[0].model.trim()}, ${simd}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${process.platform} ${process.arch}`;
}
