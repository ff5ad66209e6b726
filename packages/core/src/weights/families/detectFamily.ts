import { ThimbleError } from '../../errors.js';
import type { CheckpointFile, FilePart } from './CheckpointFile.js';
import { families } from './families.js';
import type { FamilyPart, ModelFamily, PartFacts } from './ModelFamily.js';
import { factsOfConfig } from './partFacts.js';

/** Differences that a message tells of. */
const MOST_TOLD = 4;
/** Fields that change nothing of what a model computes. */
const OF_TRAINING = ['sample_size', 'force_upcast', 'upcast_attention'];

/** The part of a family that the weights of a file are, under the name that it has there. */
export interface FittingPart {
  readonly family: ModelFamily;
  readonly name: string;
  readonly part: FamilyPart;
}

/**
 * The family of a checkpoint by its tensors: the one all of whose parts of these names have these shapes.
 *
 * @throws `ERR_CHECKPOINT_UNKNOWN` with what is different from the nearest one; `ERR_CHECKPOINT_AMBIGUOUS` where several fit
 */
export function detectFamily({ path, parts }: Pick<CheckpointFile, 'path' | 'parts'>): ModelFamily {
  const fitting = families.filter((family) => parts.every((part) => fitsIn(part, family).length > 0));
  const [found, ...others] = fitting.filter(
    (family, at) => !fitting.slice(0, at).some((other) => sameParts(parts, family, other)),
  );
  if (found === undefined) throw unknown(path, parts);
  if (others.length === 0) return found;
  throw new ThimbleError('ERR_CHECKPOINT_AMBIGUOUS', {
    file: path,
    families: [found, ...others].map(({ name }) => name),
    titles: [found, ...others].map(({ title }) => title),
  });
}

/** The parts of a family that weights have the shapes of; a text encoder may be either. */
export function fitsIn(part: FilePart, family: ModelFamily): readonly FittingPart[] {
  return Object.entries(family.parts).flatMap(([name, known]) =>
    known?.config !== undefined && isKind(name, part) && differences(part, known).length === 0
      ? [{ family, name, part: known }]
      : [],
  );
}

function isKind(name: string, { component }: FilePart): boolean {
  return name.replace(/_\d$/, '') === component.replace(/_\d$/, '');
}

/** Whether it makes no difference which of two families it is: the parts at hand have equal configs, but for the size of pictures that they were trained with. */
function sameParts(parts: readonly FilePart[], family: ModelFamily, other: ModelFamily): boolean {
  const isWhole = parts.length > 1;
  return !isWhole && parts.every((part) => configOf(part, family) === configOf(part, other));
}

function configOf(part: FilePart, family: ModelFamily): string {
  const [fitting] = fitsIn(part, family);
  const fields = Object.entries(fitting?.part.config ?? {}).filter(([field]) => !OF_TRAINING.includes(field));
  return JSON.stringify(fields.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function differences({ component, facts }: FilePart, { config }: FamilyPart): readonly string[] {
  const expected = factsOfConfig(component, config ?? {});
  return Object.keys(expected).filter((field) => String(expected[field]) !== String(facts[field]));
}

function unknown(path: string, parts: readonly FilePart[]): ThimbleError {
  const untold = parts.find(({ facts }) => Object.keys(facts).length === 0);
  if (untold !== undefined) {
    const problem = `it has a ${untold.component}, and its tensors do not say which model it belongs to`;
    return new ThimbleError('ERR_CHECKPOINT_UNKNOWN', { file: path, problem });
  }
  const like = families.filter((family) => parts.every((part) => candidatesFor(part, family).length > 0));
  const [nearest] = (like.length > 0 ? like : families)
    .map((family) => ({ family, wrong: parts.map((part) => nearestPart(part, family)) }))
    .toSorted((a, b) => weigh(a.wrong) - weigh(b.wrong) || 0);
  const said = (nearest?.wrong ?? []).flatMap(({ part, fields, config }) =>
    fields.map((field) => `${part.component}: ${field} is ${show(part.facts, field)}, not ${show(config, field)}`),
  );
  const few = [...said.slice(0, MOST_TOLD), ...(said.length > MOST_TOLD ? ['…'] : [])].join('; ');
  const problem = `it is nearest to ${nearest?.family.title}, but differs from it (${few})`;
  return new ThimbleError('ERR_CHECKPOINT_UNKNOWN', { file: path, problem });
}

function show(facts: PartFacts, field: string): string {
  const value = facts[field];
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
}

interface NearestPart {
  readonly part: FilePart;
  /** Whether the family has such a part at all. */
  readonly isKnown: boolean;
  readonly fields: readonly string[];
  readonly config: PartFacts;
}

function nearestPart(part: FilePart, family: ModelFamily): NearestPart {
  const [best] = candidatesFor(part, family)
    .map((known) => ({
      part,
      isKnown: true,
      fields: differences(part, known),
      config: factsOfConfig(part.component, known.config ?? {}),
    }))
    .toSorted((a, b) => a.fields.length - b.fields.length);
  return best ?? { part, isKnown: false, fields: [part.component], config: {} };
}

/** The parts of a family that a part of a file may be, whatever its sizes: those told by the same facts. */
function candidatesFor(part: FilePart, family: ModelFamily): readonly FamilyPart[] {
  const told = Object.keys(part.facts).join();
  return Object.entries(family.parts).flatMap(([name, known]) =>
    known?.config !== undefined &&
    isKind(name, part) &&
    Object.keys(factsOfConfig(part.component, known.config)).join() === told
      ? [known]
      : [],
  );
}

function weigh(wrong: readonly NearestPart[]): number {
  return wrong.reduce((sum, { isKnown, fields }) => sum + (isKnown ? fields.length : Infinity), 0);
}
