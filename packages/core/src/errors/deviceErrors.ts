import { megabytes } from './describeValue.js';
import type { ErrorDefinitions } from './ErrorDefinition.js';

function killed(limit: number | undefined): string {
  if (limit === undefined) return '; the system may have run out of memory';
  return `: it was killed, as the system does where more than the memory limit of ${megabytes(limit)} is taken. Make smaller pictures or fewer at once, or use an offload or tiling plugin`;
}

/** Failures of devices and of the runtime, whose own words are the errors' causes. */
export const deviceErrors = {
  ERR_RUNTIME_LOAD: {
    summary: 'ONNX Runtime refused a graph.',
    message: (d: { segment: string; reason: string }): string =>
      `${d.segment}: ONNX Runtime could not load the graph: ${d.reason}.`,
  },
  ERR_RUNTIME_RUN: {
    summary: 'ONNX Runtime failed while it ran a graph.',
    message: (d: { segment: string; reason: string }): string => `${d.segment}: ONNX Runtime failed: ${d.reason}.`,
  },
  ERR_OUT_OF_MEMORY: {
    summary: 'There was not enough memory for an operation.',
    message: (d: { segment: string }): string =>
      `${d.segment}: not enough memory. Make smaller pictures or fewer at once, or use an offload or tiling plugin.`,
  },
  ERR_MEMORY_LIMIT: {
    summary: 'Something would take more memory than the limit allows; it was not begun.',
    message: (d: { what: string; neededBytes: number; limitBytes: number; advice: string; largest?: string }): string =>
      `${d.what} takes about ${megabytes(d.neededBytes)}; the memory limit is ${megabytes(d.limitBytes)}. ${d.advice}`,
  },
  ERR_DEVICE_UNAVAILABLE: {
    summary: 'The execution provider asked for is not there.',
    message: (d: { provider: string; reason: string }): string =>
      `device "${d.provider}" is not available here: ${d.reason}. Use device: 'cpu', or install what the provider needs.`,
  },
  ERR_DEVICE_CRASHED: {
    summary: "The device's process ended in the middle of its work.",
    message: (d: { reason: string; memoryLimit?: number }): string =>
      `The device's process ended (${d.reason})${d.reason.includes('SIGKILL') ? killed(d.memoryLimit) : ''}. ` +
      'The next call starts a new one.',
  },
  ERR_DEVICE_FILE_MISSING: {
    summary: "The program of the device's process is not beside core: core was taken into a bundle.",
    message: (d: { file: string }): string =>
      `"${d.file}", which the device's process runs, is not there: a bundler has taken @thimble/core into its bundle. Leave it out: ` +
      'esbuild --external:@thimble/core, Next.js serverExternalPackages, webpack externals (docs/bundlers.md).',
  },
  ERR_DEVICE_TENSOR_GONE: {
    summary: 'A tensor handle was used after the tensor was freed.',
    message: (d: { id: number }): string =>
      `Tensor ${d.id} is not on the device any more: it was freed, or the device started anew.`,
  },
  ERR_CANCELLED: {
    summary: 'A run was cancelled; callers see the reason of their AbortSignal instead.',
    message: (_: Record<never, never>): string => 'The run was cancelled.',
  },
} as const satisfies ErrorDefinitions;
