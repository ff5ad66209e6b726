import { type Component, type ExecutionProvider, ThimbleError } from '@thimble/core';
import { type CompiledSegment } from '@thimble/core/plugin';

/** @throws ERR_ARGUMENT_INVALID on another provider than the CPU, whose optimised graphs cannot be saved */
export function assertTraceable(provider: ExecutionProvider): void {
  if (provider !== 'cpu')
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'device',
      value: provider,
      expected: "'cpu': graphs that another provider optimised cannot be saved",
    });
}

/** @throws ERR_ARGUMENT_INVALID for programs that read other weights than the checkpoint's: a trace is known again by the checkpoint alone */
export function assertOwnWeights(
  { name, checkpoint }: Component,
  programs: ReadonlyMap<string, CompiledSegment>,
): void {
  const own = new Set(checkpoint.files);
  const other = [...programs.values()].flatMap(({ ranges }) => ranges).find(({ file }) => !own.has(file));
  if (other === undefined) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'component',
    value: name,
    expected: `one that runs on the weights of its checkpoint, not on those that a plugin made in "${other.file}"; trace it before that plugin is used, or use TracingPlugin`,
  });
}
