import { componentNamesField } from '../fields/namesField.js';
import { checkValue } from '../fields/readOptions.js';
import { checkMembers } from '../fields/checkMembers.js';
import { ThimbleError } from '../errors.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { PluginPipeline } from './PluginPipeline.js';

/** Names of components that denoise: `unet`, `transformer`, `transformer_2`. */
export const DENOISER = /^(unet|transformer)(_\d+)?$/;

/**
 * The components that a plugin is for: those that were `asked` for by name, else those of the checkpoint whose names are `preferred`; in a checkpoint without one,
 * all of it. What other plugins opened is chosen by name alone. None while the checkpoint is not open yet.
 *
 * @throws ERR_ARGUMENT_INVALID for a name that is none
 */
export function chooseComponents(
  pipeline: Pick<PluginPipeline, 'components' | 'ownComponents'>,
  asked: readonly string[] | undefined,
  preferred: RegExp,
): readonly ComponentHandle[] {
  checkMembers('pipeline', pipeline, 'the pipeline of a plugin', ['components']);
  const { components, ownComponents } = pipeline;
  if (ownComponents === undefined) return [];
  const names = Object.keys(components);
  if (asked !== undefined) checkValue('components', componentNamesField(), asked);
  for (const name of asked ?? []) {
    if (!names.includes(name))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'components',
        value: name,
        expected: `names out of ${names.join(', ')}`,
      });
  }
  const found = ownComponents.filter((name) => preferred.test(name));
  return (asked ?? (found.length > 0 ? found : ownComponents)).map((name) => components[name] as ComponentHandle);
}
