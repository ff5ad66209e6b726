import { basename } from 'node:path';
import { InvalidArgumentError } from 'commander';

/** A model that is served. */
export interface NamedModel {
  /** By which requests ask for it. */
  readonly name: string;
  /** A folder or a hub id. */
  readonly model: string;
}

/** Reads `NAME=MODEL`, or a model that is called by its folder, or by its hub id; with those before it. */
export function parseModel(text: string, before: readonly NamedModel[]): readonly NamedModel[] {
  const [, given, rest] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
  const model = rest ?? text;
  const name = given ?? (/^[\w.-]+\/[\w.-]+(@[\w.-]+)?$/.test(model) ? model : basename(model));
  if (name === '') throw new InvalidArgumentError('Expected a folder, a hub id, or NAME=MODEL.');
  if (before.some((other) => other.name === name))
    throw new InvalidArgumentError(`There are two models called ${name}: name one of them, as NAME=MODEL.`);
  return [...before, { name, model }];
}
