import { ThimbleError } from '../errors.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { PluginHostPipeline } from './PluginHostPipeline.js';

/** Names of components that denoise: `unet`, `transformer`, `transformer_2`. */
export const DENOISER = /^(unet|transformer)(_\d+)?$/;

/**
 * The components that a plugin is for: those that were `asked` for by name, else those whose names are `preferred`; in a pipeline without one, all. None
 * while the pipeline has no components yet.
 *
 * @throws ERR_ARGUMENT_INVALID for a name that is none
 */
export function chooseComponents(
  { components }: Pick<PluginHostPipeline, 'components'>,
  asked: readonly string[] | undefined,
  preferred: RegExp,
): readonly ComponentHandle[] {
  const names = Object.keys(components);
  if (names.length === 0) return [];
  for (const name of asked ?? []) {
    if (!names.includes(name))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'components',
        value: name,
        expected: `names out of ${names.join(', ')}`,
      });
  }
  const found = names.filter((name) => preferred.test(name));
  return (asked ?? (found.length > 0 ? found : names)).map((name) => components[name] as ComponentHandle);
}
