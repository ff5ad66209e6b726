import type { Field } from '../../fields/Field.js';
import { objectField } from '../../fields/objectField.js';
import { refuseOption } from '../../fields/refuseOption.js';
import { eitherField, listField } from '../../fields/optionFields.js';
import { type ImageInput, isImageInput } from '../../images/ImageInput.js';

/**
 * A picture, or a list of them, which a command line names by its path. JSON has none, so that nobody has a server read its files.
 *
 * @param expected ends the sentence "expected …"
 */
export function imageField(expected: string): Field<ImageInput | readonly ImageInput[] | undefined> {
  if (typeof expected !== 'string') refuseOption('expected', expected, 'a text');
  const one: Field<ImageInput | undefined> = {
    ...objectField<ImageInput>('ImageInput', expected, isImageInput),
    parse: (text) => text,
    shown: shownImage,
  };
  return eitherField(one, listField(one as Field<ImageInput>, 'a list of them'));
}

/** A tensor's shape in place of its numbers, and of other objects what they are. */
function shownImage(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { type, dims } = value as { readonly type?: unknown; readonly dims?: unknown };
  if (Array.isArray(dims)) return `${String(type)} [${dims.join(', ')}]`;
  return Array.isArray(value) ? value.map(shownImage) : `a ${value.constructor?.name ?? 'object'}`;
}
