import { readFileSync } from 'node:fs';

/** Instruction sets by which the runtime chooses its kernels, and so the order of prepacked weights. */
const INSTRUCTION_SETS = [
  'avx',
  'avx2',
  'fma',
  'f16c',
  'avx_vnni',
  'avx512f',
  'avx512bw',
  'avx512_vnni',
  'avx512_bf16',
  'avx512_fp16',
  'amx_int8',
  'amx_bf16',
  'asimd',
  'asimddp',
  'i8mm',
  'sve',
  'bf16',
];

/** Each convolution of each graph asks: the processor stays what it is. */
let known: readonly string[] | undefined;

/**
 * The instruction sets of this machine's processor that the runtime has kernels for, by Linux's names: 'avx2', 'avx512_vnni', 'asimddp'. Empty where they
 * cannot be read, as elsewhere than on Linux. Read once for each process.
 */
export function instructionSets(): readonly string[] {
  known ??= readSets();
  return known;
}

function readSets(): readonly string[] {
  try {
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(/\s+/);
    return INSTRUCTION_SETS.filter((name) => flags?.includes(name));
  } catch {
    return [];
  }
}
