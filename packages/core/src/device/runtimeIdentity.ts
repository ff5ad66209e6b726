import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus } from 'node:os';

/** What an optimised graph is valid for. */
export interface RuntimeIdentity {
  /** onnxruntime-node's version. */
  readonly version: string;
  /** Kind of processor: its architecture, and the instruction sets that kernels are chosen by. */
  readonly cpu: string;
}

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

/** The runtime and the processor of this machine. */
export function runtimeIdentity(): RuntimeIdentity {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  return { version, cpu: `${arch()}: ${cpuFeatures()}` };
}

function cpuFeatures(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  try {
    const flags = new Set(
      /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(/\s+/),
    );
    return INSTRUCTION_SETS.filter((name) => flags.has(name)).join(' ') || model;
  } catch {
    // Elsewhere than on Linux the model's name has to do.
    return model;
  }
}
