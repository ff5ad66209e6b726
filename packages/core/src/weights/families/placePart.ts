import { isThimbleError, ThimbleError } from '../../errors.js';
import { openTensorFile } from '../files/openTensorFile.js';
import type { ComponentClass, ModelIndex } from '../ModelIndex.js';
import { type PartPlace, placeOf } from '../PartPlace.js';
import { type FilePart, openCheckpointFile } from './CheckpointFile.js';
import { fitsIn, type FittingPart } from './detectFamily.js';
import { families } from './families.js';
import { classOf, placeFor, withWeights } from './indexOfFile.js';

/** A part in place of a model's own. */
export interface PlacedPart {
  readonly component: ComponentClass;
  readonly place: PartPlace;
}

/**
 * A component from a file, in whatever layout, for a model whose own is called `name`. Its config is that of the one family whose shapes it has; where none or several
 * have them, that of the component in whose place it comes.
 *
 * @throws `ERR_ARGUMENT_INVALID` for a file that has no such component; what opening throws; the errors of an unknown or an ambiguous file where the model has no config for it
 */
export async function placeFromFile(name: string, path: string, model: ModelIndex): Promise<PlacedPart> {
  const part = await partFrom(name, path);
  const fitting = different(
    families.flatMap((family) => fitsIn(part, family)),
    name,
  );
  const own = model.components[name];
  const [known] = fitting;
  // By what its latents are scaled cannot be seen in a VAE: a model knows it of its own.
  const isSaid = own != null && part.component === 'vae' && own.className === known?.part.className;
  if (known !== undefined && fitting.length === 1 && !isSaid) return placed(known, part);
  if (own != null) return { component: own, place: withWeights(placeOf(model, name), part) };
  const problem = `the model has no "${name}" whose config would fit it`;
  throw new ThimbleError('ERR_CHECKPOINT_UNKNOWN', { file: path, problem });
}

function placed({ part: known }: FittingPart, part: FilePart): PlacedPart {
  return { component: classOf(known), place: withWeights(placeFor(known, part.file), part) };
}

/** Those whose configs differ; under the same name first. */
function different(fitting: readonly FittingPart[], name: string): readonly FittingPart[] {
  const named = fitting.filter((each) => each.name === name);
  const configs = new Map((named.length > 0 ? named : fitting).map((each) => [JSON.stringify(each.part.config), each]));
  return [...configs.values()];
}

/** The component of a file that is meant: the one of that name, or the only one of its kind. A file of no known layout is taken to have diffusers' keys. */
async function partFrom(name: string, path: string): Promise<FilePart> {
  const parts = await openCheckpointFile(path).then(
    (file) => file.parts,
    (error: unknown) => {
      if (isThimbleError(error, 'ERR_CHECKPOINT_UNKNOWN')) return undefined;
      throw error;
    },
  );
  if (parts === undefined) {
    const { path: file, tensors } = await openTensorFile(path);
    return { component: 'unet', file, tensors, facts: {} };
  }
  const kind = name.replace(/_\d$/, '');
  const ofKind = parts.filter(({ component }) => component.replace(/_\d$/, '') === kind);
  const part = parts.find(({ component }) => component === name) ?? (ofKind.length === 1 ? ofKind[0] : undefined);
  if (part !== undefined) return part;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: `components.${name}`,
    value: path,
    expected: `a file with a ${name}; it has ${parts.map(({ component }) => component).join(', ')}`,
  });
}
