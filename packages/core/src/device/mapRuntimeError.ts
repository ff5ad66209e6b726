import { ThimbleError } from '../errors.js';

const OUT_OF_MEMORY = /bad_alloc|failed to allocate memory|out of memory|Array buffer allocation failed/i;

/** Turns what ONNX Runtime throws into a coded error; its text is kept as the cause. */
export function mapRuntimeError(error: unknown, action: 'load' | 'run', segment: string): ThimbleError {
  const text = error instanceof Object && 'message' in error ? String(error.message) : String(error);
  if (OUT_OF_MEMORY.test(text)) return new ThimbleError('ERR_OUT_OF_MEMORY', { segment, text }, { cause: error });
  return new ThimbleError(action === 'load' ? 'ERR_RUNTIME_LOAD' : 'ERR_RUNTIME_RUN', { segment, text }, { cause: error });
}
