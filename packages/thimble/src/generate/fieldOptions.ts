import { InvalidArgumentError, Option } from 'commander';
import { expectedFor, type Field, type Fields } from '@thimble/core/model';

/** The flags of those fields that have one, by the fields' names, in the order of the table. */
export function fieldOptions(fields: Fields): Readonly<Record<string, Option>> {
  const flags = Object.entries(fields).flatMap(([name, field]) =>
    field.flag === undefined ? [] : [[name, optionOf(field, field.flag)] as const],
  );
  const options = Object.fromEntries(flags);
  for (const [name, option] of flags) {
    const { conflicts = [], impliedBy = [] } = fields[name] as Field;
    option.conflicts([...conflicts, ...impliedBy].flatMap((other) => options[other]?.attributeName() ?? []));
  }
  return options;
}

/** The options of a run that flags of {@link fieldOptions} gave, by the names of their fields. */
export function givenOptions(fields: Fields, flags: object): Record<string, unknown> {
  const given = new Map<string, unknown>(Object.entries(flags));
  const values = Object.entries(fieldOptions(fields)).map(
    ([name, option]) => [name, given.get(option.attributeName())] as const,
  );
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

function optionOf(field: Field, flag: string): Option {
  const { description = '', parse } = field;
  const option = new Option(flag, `${description}${defaultOf(field)}`);
  if (parse === undefined || !flag.includes('<')) return option;
  return option.argParser((text: string) => {
    const value = parse(text);
    if (!field.accepts(value)) throw new InvalidArgumentError(`Expected ${expectedFor(field, value)}.`);
    return value;
  });
}

function defaultOf({ default: value, defaultText }: Field): string {
  const text = defaultText ?? (typeof value === 'number' || typeof value === 'string' ? String(value) : '');
  return text === '' ? '' : ` (default: ${text})`;
}
