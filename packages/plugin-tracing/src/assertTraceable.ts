import { type ExecutionProvider, ThimbleError } from '@thimble/core';

/** @throws ERR_ARGUMENT_INVALID on another provider than the CPU, whose optimised graphs cannot be saved */
export function assertTraceable(provider: ExecutionProvider): void {
  if (provider !== 'cpu') throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'device', value: provider, expected: "'cpu': graphs that another provider optimised cannot be saved" });
}
