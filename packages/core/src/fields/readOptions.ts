import { checkFields } from './checkFields.js';
import { checkOptionNames } from './checkOptionNames.js';
import { expectedFor, type Field, type Fields, type FieldValues } from './Field.js';
import { refuseOption } from './refuseOption.js';

/**
 * Checks options against their fields and fills in what nobody gave; `undefined` counts as not given.
 *
 * @param of whose options they are, as messages say it: `generate`, or the name of a class
 * @throws ERR_ARGUMENT_INVALID naming an unknown option and the nearest one; an option, its value and what is expected; or two options that exclude each other
 */
export function readOptions<F extends Fields>(options: object, fields: F, of?: string): FieldValues<F> {
  checkFields(fields);
  checkOptionNames(options, Object.keys(fields), of);
  const given = new Map(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const [name, field] of Object.entries(fields))
    if (given.has(name) || field.required === true) checkField(name, field, given);
  const values = Object.entries(fields).map(([name, field]) => {
    const implied = field.impliedBy?.some((other) => given.has(other)) === true;
    return [name, given.has(name) ? given.get(name) : implied ? undefined : field.default] as const;
  });
  return Object.fromEntries(values) as FieldValues<F>;
}

/** `value`, if the field accepts it. @throws ERR_ARGUMENT_INVALID naming the field */
export function checkValue(name: string, field: Field, value: unknown): unknown {
  if (field.accepts(value)) return value;
  return refuseOption(name, shownValue(field, value), expectedFor(field, value));
}

function shownValue(field: Field, value: unknown): unknown {
  return field.shown === undefined ? value : field.shown(value);
}

function checkField(name: string, field: Field, given: ReadonlyMap<string, unknown>): void {
  const value = given.get(name);
  const rival = field.conflicts?.find((other) => given.has(other));
  if (rival !== undefined) refuseOption(name, shownValue(field, value), `${rival} or ${name}, not both`);
  if (value === undefined) refuseOption(name, value, field.expected);
  checkValue(name, field, value);
}
