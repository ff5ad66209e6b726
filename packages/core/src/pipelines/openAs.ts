import { isThimbleError, ThimbleError } from '../errors.js';
import type { Pipeline } from '../run/Pipeline.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { openPipeline } from './openPipeline.js';

/** Opens a checkpoint as a pipeline of the one class that `named` holds, under each of its names in checkpoints; what that class's `fromPretrained` does. A class that extends it opens the same checkpoints, and those that name it. @throws also ERR_ARGUMENT_INVALID for a checkpoint of another class */
export async function openAs<P extends Pipeline>(
  named: Readonly<Record<string, PipelineConstructor<P>>>,
  folderOrId: string,
  options: FromPretrainedOptions,
): Promise<P> {
  const [[name, Class]] = Object.entries(named) as [[string, PipelineConstructor<P>]];
  const pipe = await openPipeline(folderOrId, options, { ...named, [Class.name]: Class }).catch((error: unknown) => {
    if (isThimbleError(error, 'ERR_PIPELINE_UNSUPPORTED')) refuse(name, folderOrId, error.details.className);
    throw error;
  });
  if (pipe instanceof Class) return pipe;
  await pipe.dispose();
  return refuse(name, folderOrId, pipe.className);
}

function refuse(wanted: string, folderOrId: string, found: string): never {
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'folderOrId',
    value: folderOrId,
    expected: `a checkpoint of a ${wanted}, not of a ${found}`,
  });
}
