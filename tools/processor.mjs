import { readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';

/** By which the runtime chooses its kernels of integers, and the order in which it adds up. */
const FEATURES = ['avx2', 'avx_vnni', 'avx512f', 'avx512_vnni', 'amx_int8', 'asimd', 'asimddp', 'i8mm'];

/**
 * What the processor is: its model, and those instruction sets of it that decide what kernels compute. Linux tells of both; elsewhere only the model is known.
 *
 * @param {string} [text] what /proc/cpuinfo says
 * @returns {{ model: string, features: readonly string[] }}
 */
export function readProcessor(text = readCpuInfo()) {
  const line = (name) => new RegExp(`^(?:${name})\\s*:(.*)$`, 'm').exec(text)?.[1].trim();
  const flags = new Set(line('flags|Features')?.split(/\s+/));
  return {
    model: line('model name') ?? cpus()[0]?.model.trim() ?? arch(),
    features: FEATURES.filter((name) => flags.has(name)),
  };
}

/** One line: the model and its instruction sets. */
export function describeProcessor({ model, features } = readProcessor()) {
  return `${model} (${features.join(', ') || 'instruction sets unknown'})`;
}

function readCpuInfo() {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
