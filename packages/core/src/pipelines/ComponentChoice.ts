import { ThimbleError } from '../errors.js';
import { isPretrained, type PretrainedModel } from '../models/loadPretrained.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';

/** What the option `components` says: names of those to load, or models in place of the checkpoint's. */
type Choice = FromPretrainedOptions['components'];

/** The names that a choice may have. */
export interface ComponentNames {
  /** Of parts that a checkpoint holds. */
  readonly loaded: readonly string[];
  /** Of models that may be given in their place, loaded. */
  readonly models: readonly string[];
  /** Of models and tokenizers that may be given in their place, as files and folders. */
  readonly sources: readonly string[];
}

/** @throws ERR_ARGUMENT_INVALID for what is neither a list of names nor an object of models, before anything is opened */
export function checkChoice(choice: Choice): void {
  if (choice === undefined) return;
  if (Array.isArray(choice)) {
    const names: readonly unknown[] = choice;
    const wrong = names.findIndex((name) => typeof name !== 'string');
    if (wrong >= 0) refuse('components', names[wrong], 'names of components');
    return;
  }
  if (typeof choice !== 'object' || choice === null)
    refuse('components', choice, 'a list of names, or an object with models by their names');
  for (const [name, model] of Object.entries(choice))
    if (!isPretrained(model) && (typeof model !== 'string' || model === ''))
      refuse(
        `components.${name}`,
        model,
        "a component of a pipeline, what a model's fromPretrained gives, or a file's or folder's path",
      );
}

/** @throws ERR_ARGUMENT_INVALID for a name that the checkpoint does not have */
export function checkChosen(choice: Choice, { loaded, models, sources }: ComponentNames): void {
  checkNames(namesWanted(choice) ?? [], loaded);
  checkNames(givenNames(choice), models);
  checkNames(Object.keys(sourcesIn(choice)), sources);
}

function checkNames(names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) refuse('components', unknown, `names out of ${known.join(', ')}`);
}

/** Whether the checkpoint's own part of this name is to be opened. */
export function isWanted(name: string, choice: Choice): boolean {
  return isNameList(choice) ? choice.includes(name) : !givenNames(choice).includes(name);
}

/** Where components lie that come from files and folders of their own, by their names. */
export function sourcesIn(choice: Choice): Readonly<Record<string, string>> {
  return Object.fromEntries(
    replacements(choice).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** Names of the models that are given in place of the checkpoint's. */
export function givenNames(choice: Choice): readonly string[] {
  return givenComponents(choice).map(([name]) => name);
}

/** The models that are given in place of the checkpoint's, by their names. */
export function givenComponents(choice: Choice): readonly (readonly [string, PretrainedModel])[] {
  return replacements(choice).filter((entry): entry is [string, PretrainedModel] => typeof entry[1] !== 'string');
}

/** The names that are asked for alone; none where all are. */
export function namesWanted(choice: Choice): readonly string[] | undefined {
  return isNameList(choice) ? choice : undefined;
}

function replacements(choice: Choice): readonly (readonly [string, PretrainedModel | string])[] {
  return choice === undefined || isNameList(choice) ? [] : Object.entries(choice);
}

function isNameList(choice: Choice): choice is readonly string[] {
  return Array.isArray(choice);
}

function refuse(argument: string, value: unknown, expected: string): never {
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
