import { ThimbleError } from '../errors.js';
import type { ExecutionProvider } from './ExecutionProvider.js';

const OUT_OF_MEMORY = /bad_alloc|failed to allocate memory|out of memory|Array buffer allocation failed/i;

const NO_PROVIDER =
  /Failed to get a WebGPU adapter|backend not found|libonnxruntime_providers_cuda|Cuda: Failed to load shared library|not available in this build|CUDA driver|no CUDA-capable device/i;

/** Turns what ONNX Runtime throws into a coded error; its text is kept as the cause. */
export function mapRuntimeError(
  error: unknown,
  action: 'load' | 'run',
  segment: string,
  provider: ExecutionProvider,
): ThimbleError {
  const text = error instanceof Object && 'message' in error ? String(error.message) : String(error);
  if (OUT_OF_MEMORY.test(text)) return new ThimbleError('ERR_OUT_OF_MEMORY', { segment, text }, { cause: error });
  if (NO_PROVIDER.test(text))
    return new ThimbleError('ERR_DEVICE_UNAVAILABLE', { provider, text: text.trim() }, { cause: error });
  return new ThimbleError(
    action === 'load' ? 'ERR_RUNTIME_LOAD' : 'ERR_RUNTIME_RUN',
    { segment, text },
    { cause: error },
  );
}
