import { checkFields } from './checkFields.js';
import { checkOptionNames } from './checkOptionNames.js';
import { checkValue } from './readOptions.js';
import { refuseOption } from './refuseOption.js';
import type { Fields } from './Field.js';

/**
 * The value that a text, such as a command line's, gives an option.
 *
 * @throws ERR_ARGUMENT_INVALID for a name that no field has or that no text can set, with those that one can; for a text that stands for no value of the field
 */
export function parseOption(name: string, text: string, fields: Fields): unknown {
  checkFields(fields);
  if (typeof name !== 'string') refuseOption('name', name, 'the name of an option');
  if (typeof text !== 'string') refuseOption('text', text, 'a text');
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field?.parse !== undefined) return checkValue(name, field, field.parse(text));
  const known = Object.keys(fields).filter((other) => fields[other]?.parse !== undefined);
  if (field === undefined) checkOptionNames({ [name]: text }, known);
  return refuseOption('options', name, `only ${known.join(', ')}`);
}
