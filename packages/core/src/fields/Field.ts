import { checkMembers } from './checkMembers.js';
import { checkNumber } from './checkNumber.js';
import { refuseOption } from './refuseOption.js';

/** A JSON schema, as of draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What people read of a field, and the fields that it goes together with. */
export interface FieldText {
  /** One line for the help of the command line and for JSON schemas; the reference has the doc comment of the table. */
  readonly description?: string;
  /** What stands in for a missing value, where `default` does not say it: "the model's own". */
  readonly defaultText?: string;
  /** The flag of the command line that sets the field: `--steps <number>`. */
  readonly flag?: string;
  /** Other fields that must not be given beside this one. */
  readonly conflicts?: readonly string[];
  /** Other fields that say what this one would: where one of them is given and this one is not, this one has no value. */
  readonly impliedBy?: readonly string[];
}

/** One named value of a config or of options: what stands in for a missing one, what it may be, and how it is told of. */
export interface Field<T = unknown> extends FieldText {
  readonly default: T;
  /** Ends the sentence "expected …". */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** What may stand in place of a value that is not accepted, to end `expected`: ", such as 64 or 80". */
  readonly advice?: (value: unknown) => string;
  /** The TypeScript type, for the reference. */
  readonly type?: string;
  /** What the field accepts, as a JSON schema; absent where JSON has no such value, as for a tensor. */
  readonly schema?: JsonSchema;
  /** Makes a value of a text of the command line; the value may be one that is not accepted. Absent where no text stands for a value. */
  readonly parse?: (text: string) => unknown;
  /** What an error shows of a value that is not accepted; the value itself by default. */
  readonly shown?: (value: unknown) => unknown;
  /** Whether it has to be given. */
  readonly required?: boolean;
}

/** Fields by their names: a config, or the options of a pipeline or a plugin. */
export type Fields = Readonly<Record<string, Field>>;

/** What fields `F` hold once their defaults are filled in. */
export type FieldValues<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

/** What may be given for fields `F`: any of them, and each that is {@link required}. Properties keep the doc comments of the table. */
export type OptionsOf<F extends Fields> = {
  readonly [K in keyof F as F[K] extends RequiredField ? never : K]?: ValueOf<F[K]> | undefined;
} & {
  readonly [K in keyof F as F[K] extends RequiredField ? K : never]: ValueOf<F[K]>;
};

type RequiredField = { readonly required: true };
type ValueOf<F> = F extends Field<infer T> ? Exclude<T, undefined> : never;

export type ConfigField<T> = Field<T>;
export type ConfigFields = Fields;
export type ConfigValues<F extends ConfigFields> = FieldValues<F>;

/** Refuses what is no field. @throws ERR_ARGUMENT_INVALID */
export function checkField(field: unknown): void {
  checkMembers('field', field, 'a field, such as integerField(1)', ['accepts', 'expected']);
}

/** What a field expects in place of a value: ends the sentence "expected …". */
export function expectedFor(field: Field, value: unknown): string {
  checkField(field);
  return `${field.expected}${field.advice?.(value) ?? ''}`;
}

/** The same field with what people read of it. */
export function described<F extends Field>(field: F, text: FieldText): F {
  return { ...field, ...text };
}

/** A field that is true or false. */
export function booleanField(value: boolean): Field<boolean> {
  return {
    default: value,
    type: 'boolean',
    expected: 'true or false',
    accepts: (x) => typeof x === 'boolean',
    schema: { type: 'boolean' },
    parse: (text) => (text === 'true' || text === 'false' ? text === 'true' : text),
  };
}

/** A field that is a finite number, not below `min` nor above `max`. */
export function numberField(value: number, min = -Infinity, max = Infinity): Field<number> {
  for (const [name, bound] of Object.entries({ min, max })) checkNumber(name, bound);
  return {
    default: value,
    type: 'number',
    expected: `a ${min === -Infinity && max === Infinity ? 'finite ' : ''}number${range(min, max)}`,
    accepts: (x) => Number.isFinite(x) && Number(x) >= min && Number(x) <= max,
    schema: { type: 'number', ...bounds(min, max) },
    parse: parseNumber,
  };
}

/** A field that is an integer, not below `min` nor above `max`. */
export function integerField(value: number, min = 0, max: number = Number.MAX_SAFE_INTEGER): Field<number> {
  for (const [name, bound] of Object.entries({ min, max })) checkNumber(name, bound);
  const most = max === Number.MAX_SAFE_INTEGER ? Infinity : max;
  return {
    default: value,
    type: 'number',
    expected: `an integer${range(min, most)}`,
    accepts: (x) => Number.isSafeInteger(x) && Number(x) >= min && Number(x) <= max,
    schema: { type: 'integer', ...bounds(min, most) },
    parse: parseNumber,
  };
}

/** A field that is one of `choices`. */
export function choiceField<const C extends string>(value: NoInfer<C>, choices: readonly C[]): Field<C> {
  if (!Array.isArray(choices) || choices.some((choice) => typeof choice !== 'string'))
    refuseOption('choices', choices, 'a list of texts');
  return {
    default: value,
    type: choices.map((choice) => `'${choice}'`).join(' | '),
    expected: `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`,
    accepts: (x) => (choices as readonly unknown[]).includes(x),
    schema: { enum: choices },
    parse: (text) => text,
  };
}

/** A field that is a list of numbers, or null, the default. */
export function numbersField(): Field<readonly number[] | null> {
  return {
    default: null,
    type: 'readonly number[] | null',
    expected: 'a list of numbers, or null',
    accepts: (x) => x === null || (Array.isArray(x) && x.length > 0 && x.every(Number.isFinite)),
    schema: { type: ['array', 'null'], items: { type: 'number' }, minItems: 1 },
    parse: (text) => text.split(',').map(parseNumber),
  };
}

/** `field`, or null; null is the default if no other is named. */
export function nullable<T>(field: Field<T>, value: T | null = null): Field<T | null> {
  checkField(field);
  return {
    ...field,
    default: value,
    type: `${field.type ?? 'unknown'} | null`,
    expected: `${field.expected}, or null`,
    accepts: (x) => x === null || field.accepts(x),
    ...(field.schema === undefined ? {} : { schema: { anyOf: [field.schema, { type: 'null' }] } }),
  };
}

/** The number that a text of the command line stands for; NaN if it stands for none. */
function parseNumber(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

function range(min: number, max: number): string {
  return `${min === -Infinity ? '' : ` from ${min}`}${max === Infinity ? '' : ` to ${max}`}`;
}

function bounds(minimum: number, maximum: number): JsonSchema {
  return { ...(minimum === -Infinity ? {} : { minimum }), ...(maximum === Infinity ? {} : { maximum }) };
}
