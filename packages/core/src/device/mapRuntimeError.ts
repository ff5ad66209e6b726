import { ThimbleError } from '../errors.js';
import type { ExecutionProvider } from './ExecutionProvider.js';

/** What a text of the runtime's means, by what it says; parts in parentheses go where `$1` and `$2` are. The first that fits counts. */
type Reasons = readonly (readonly [RegExp, string])[];

const OUT_OF_MEMORY = /bad_alloc|failed to allocate memory|out of memory|Array buffer allocation failed/i;

const NO_PROVIDER: Reasons = [
  [/Failed to get a WebGPU adapter/, 'no graphics adapter was found'],
  [/backend not found|not available in this build/, 'this build of onnxruntime-node does not have it'],
  [/CUDA driver|no CUDA-capable device/i, 'there is no CUDA device, or its driver is too old'],
  [/libonnxruntime_providers|Failed to load shared library/, 'its libraries are not installed'],
];

const REASONS: Reasons = [
  [/protobuf parsing failed/i, 'the graph is damaged'],
  [/No Op(?:Set)? registered for (\w+)/, 'this version of it has no operator $1'],
  [/Could not find an implementation for (\w+)/, 'it has no kernel of the operator $1 for these types here'],
  [/input data type\. Actual: \(tensor\((\w+)\)\) ?, expected: \(tensor\((\w+)\)\)/, 'an input is $1 in place of $2'],
  [/input '([^']+)' is missing/, 'the input "$1" is missing'],
  [/invalid dimensions for input: (\w+)/, 'the input "$1" has another shape'],
  [
    /external (?:data|initializer)|out of bounds|file length|mmap|MapViewOfFile/i,
    'a file of weights is missing, or shorter than it was; download it again',
  ],
  [/while running (\w+) node\. Name:'([^']*)'/, 'the operator $1 ("$2") failed'],
];

/** Turns what ONNX Runtime throws into a coded error in words of ours; its own text, which tells of its sources, is the cause. */
export function mapRuntimeError(
  error: unknown,
  action: 'load' | 'run',
  segment: string,
  provider: ExecutionProvider,
): ThimbleError {
  const text = error instanceof Object && 'message' in error ? String(error.message) : String(error);
  const options = { cause: error };
  if (OUT_OF_MEMORY.test(text)) return new ThimbleError('ERR_OUT_OF_MEMORY', { segment }, options);
  const missing = reasonIn(text, NO_PROVIDER);
  if (missing !== undefined) return new ThimbleError('ERR_DEVICE_UNAVAILABLE', { provider, reason: missing }, options);
  const reason = reasonIn(text, REASONS) ?? 'its own words, which are the cause of this error, tell why';
  return new ThimbleError(action === 'load' ? 'ERR_RUNTIME_LOAD' : 'ERR_RUNTIME_RUN', { segment, reason }, options);
}

function reasonIn(text: string, reasons: Reasons): string | undefined {
  for (const [pattern, reason] of reasons) {
    const found = pattern.exec(text);
    if (found !== null) return reason.replaceAll(/\$(\d)/g, (_, at: string) => found[Number(at)] ?? '');
  }
  return undefined;
}
