import { cpus, totalmem } from 'node:os';
import { readProcessor } from '../tools/processor.mjs';

/** One line that says what the figures come from. */
export function describeMachine() {
  const { model, features } = readProcessor();
  const simd = ['avx512_vnni', 'avx_vnni', 'avx512f', 'avx2'].find((name) => features.includes(name)) ?? 'no AVX2';
  return `${cpus().length} cores (${model}, ${simd}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${process.platform} ${process.arch}`;
}
