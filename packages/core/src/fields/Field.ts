/** A field of a config: the value that stands in for a missing one, and what else it may be. */
export interface ConfigField<T> {
  readonly default: T;
  /** Ends the sentence "expected …". */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

/** The fields of a config by their names in diffusers' JSON. */
export type ConfigFields = Readonly<Record<string, ConfigField<unknown>>>;

/** What a config holds whose fields are `F`. */
export type ConfigValues<F extends ConfigFields> = {
  readonly [K in keyof F]: F[K] extends ConfigField<infer T> ? T : never;
};

/** A field that is true or false. */
export function booleanField(value: boolean): ConfigField<boolean> {
  return { default: value, expected: 'true or false', accepts: (x) => typeof x === 'boolean' };
}

/** A field that is a finite number. */
export function numberField(value: number): ConfigField<number> {
  return { default: value, expected: 'a number', accepts: Number.isFinite };
}

/** A field that is an integer, not below `min` nor above `max`. */
export function integerField(value: number, min = 0, max: number = Number.MAX_SAFE_INTEGER): ConfigField<number> {
  const expected = `an integer from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`;
  return { default: value, expected, accepts: (x) => Number.isSafeInteger(x) && Number(x) >= min && Number(x) <= max };
}

/** A field that is one of `choices`. */
export function choiceField<const C extends string>(value: NoInfer<C>, choices: readonly C[]): ConfigField<C> {
  const expected = `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`;
  return { default: value, expected, accepts: (x) => (choices as readonly unknown[]).includes(x) };
}

/** A field that is a list of numbers, or null, the default. */
export function numbersField(): ConfigField<readonly number[] | null> {
  return {
    default: null,
    expected: 'a list of numbers, or null',
    accepts: (x) => x === null || (Array.isArray(x) && x.length > 0 && x.every(Number.isFinite)),
  };
}

/** `field`, or null; null is the default if no other is named. */
export function nullable<T>(field: ConfigField<T>, value: T | null = null): ConfigField<T | null> {
  return { default: value, expected: `${field.expected}, or null`, accepts: (x) => x === null || field.accepts(x) };
}
