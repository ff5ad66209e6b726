import type { Field, Fields } from './Field.js';
import { refuseOption } from './refuseOption.js';

/** A pipeline's fields and those of its plugins. @throws ERR_ARGUMENT_INVALID if a plugin provides an option under a name that is taken */
export function joinFields(own: Fields, provided: readonly Fields[]): Fields {
  const all = new Map<string, Field>(Object.entries(own));
  for (const [name, field] of provided.flatMap((fields) => Object.entries(fields))) {
    if (all.has(name)) refuseOption('options', name, 'a name that neither the pipeline nor another plugin has');
    all.set(name, field);
  }
  return Object.fromEntries(all);
}

/** What stands in for options that nobody gives, by their names; those that have nothing are left out. */
export function defaultsOf(fields: Fields): Readonly<Record<string, unknown>> {
  const values = Object.entries(fields).map(([name, field]) => [name, field.default] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}
