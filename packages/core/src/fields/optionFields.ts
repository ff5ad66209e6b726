import { checkField, type Field } from './Field.js';
import { checkNumber } from './checkNumber.js';

/** A field without a default: `undefined` stands for a value that nobody gave. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return { ...field, default: undefined };
}

/** A field that is a text of at least `least` characters. */
export function textField(value: string, expected = 'a text', least = 0): Field<string> {
  checkNumber('least', least, 0);
  return {
    default: value,
    type: 'string',
    expected,
    accepts: (x) => typeof x === 'string' && x.length >= least,
    schema: { type: 'string', ...(least > 0 ? { minLength: least } : {}) },
    parse: (text) => text,
  };
}

/** The same field, which has to be given. */
export function required<F extends Field>(field: F): F & { readonly required: true } {
  return { ...field, required: true };
}

/** A list of at least `least` values that `item` accepts; a command line writes them with commas between. Has no default. */
export function listField<T>(item: Field<T>, expected: string, least = 1): Field<readonly T[] | undefined> {
  checkField(item);
  checkNumber('least', least, 0);
  const { parse } = item;
  return {
    default: undefined,
    type: item.type?.includes('|') === true ? `readonly (${item.type})[]` : `readonly ${item.type ?? 'unknown'}[]`,
    expected,
    accepts: (x) => Array.isArray(x) && x.length >= least && x.every(item.accepts),
    ...(item.schema === undefined ? {} : { schema: { type: 'array', items: item.schema, minItems: least } }),
    ...(parse === undefined ? {} : { parse: (text: string) => text.split(',').map(parse) }),
  };
}

/** Two values that `item` accepts; a command line writes them with a comma between, or with an `x`, and then the second one first: width x height. Has no default. */
export function pairField<T>(
  item: Field<T>,
  expected: string,
  separator: ',' | 'x' = ',',
): Field<readonly [T, T] | undefined> {
  const list = listField(item, expected, 2);
  const { parse = (text) => text } = item;
  return {
    ...list,
    default: undefined,
    type: `readonly [${item.type}, ${item.type}]`,
    accepts: (x) => list.accepts(x) && (x as readonly T[]).length === 2,
    schema: { ...list.schema, maxItems: 2 },
    parse: (text) => {
      const values = text.split(separator).map(parse);
      return separator === 'x' ? values.reverse() : values;
    },
  };
}

/** What `first` accepts or `second` does; with the default of `first`. A text that `first` can read is read by it. */
export function eitherField<A, B>(first: Field<A>, second: Field<B>): Field<A | Exclude<B, undefined>> {
  for (const field of [first, second]) checkField(field);
  const readers = [first, second].filter((field) => field.parse !== undefined);
  const schemas = [first, second].flatMap(({ schema }) => (schema === undefined ? [] : [schema]));
  return {
    default: first.default,
    type: `${first.type ?? 'unknown'} | ${second.type ?? 'unknown'}`,
    expected: `${first.expected}, or ${second.expected}`,
    accepts: (x) => first.accepts(x) || second.accepts(x),
    ...(schemas.length === 0 ? {} : { schema: { anyOf: schemas } }),
    ...(readers.length === 0 ? {} : { parse: (text: string) => readByEither(text, readers) }),
  };
}

function readByEither(text: string, fields: readonly Field[]): unknown {
  const values = fields.map((field) => [field, field.parse?.(text)] as const);
  return (values.find(([field, value]) => field.accepts(value)) ?? values[0])?.[1];
}
