import { createRequire } from 'node:module';
import { arch, cpus } from 'node:os';
import { instructionSets } from './instructionSets.js';

/** What an optimised graph is valid for. */
export interface RuntimeIdentity {
  /** onnxruntime-node's version. */
  readonly version: string;
  /** Kind of processor: its architecture, and the instruction sets that kernels are chosen by. */
  readonly cpu: string;
}

/** The runtime and the processor of this machine. */
export function runtimeIdentity(): RuntimeIdentity {
  const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };
  // Where the sets cannot be read the model's name has to do.
  const features = instructionSets().join(' ') || cpus()[0]?.model.trim();
  return { version, cpu: `${arch()}: ${features ?? 'unknown'}` };
}
