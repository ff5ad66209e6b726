import { checkFields } from '../fields/checkFields.js';
import { refuseOption } from '../fields/refuseOption.js';
import { ThimbleError } from '../errors.js';
import { checkConfig } from '../fields/checkConfig.js';
import type { ConfigFields, ConfigValues } from '../fields/Field.js';

/** A scheduler's config as it comes from `scheduler_config.json` or from another scheduler's `config`. */
export type SchedulerConfigInput = Readonly<Record<string, unknown>>;

/** A scheduler's config with every field filled in, and the fields of other schedulers that it was read with. */
export type SchedulerConfig<F extends ConfigFields = ConfigFields> = ConfigValues<F> &
  Readonly<Record<string, unknown>> & { readonly _class_name: string };

/** A config that was read, and the names in it that have no effect. */
export interface ReadSchedulerConfig<C extends SchedulerConfig> {
  readonly config: C;
  readonly ignored: readonly string[];
}

/**
 * Where a config remembers which fields nobody gave: their names and defaults. Another scheduler's `fromConfig` leaves such
 * fields out while they hold that value, so that its own defaults apply. A symbol, so that spreading the config keeps it and
 * JSON never sees it; diffusers' `_use_default_values`.
 */
const FILLED_IN = Symbol.for('thimble.schedulerConfig.filledIn');

/**
 * Reads diffusers' JSON as the config of the class `className`: checks the fields that the class has, fills in the missing
 * ones, and keeps those of other schedulers for a later `fromConfig`. Those that are not off are reported as ignored.
 *
 * @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have, or a config that is no object
 *
 * Source: diffusers `configuration_utils.py`, `ConfigMixin.extract_init_dict`.
 */
export function readSchedulerConfig<F extends ConfigFields>(
  className: string,
  fields: F,
  input: SchedulerConfigInput,
): ReadSchedulerConfig<SchedulerConfig<F>> {
  if (typeof className !== 'string') refuseOption('className', className, 'the name of a class');
  checkFields(fields);
  const given = givenFields(className, input);
  const values: Record<string, unknown> = {};
  const filledIn: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!(name in given)) {
      values[name] = filledIn[name] = field.default;
      continue;
    }
    const value = given[name];
    if (!field.accepts(value)) {
      throw new ThimbleError('ERR_CONFIG_INVALID', {
        component: className,
        field: name,
        value,
        expected: field.expected,
      });
    }
    values[name] = value;
  }
  const config = { ...given, ...values, _class_name: className, [FILLED_IN]: filledIn };
  const ignored = Object.keys(given).filter(
    (name) => !(name in fields) && !name.startsWith('_') && !isOff(given[name]),
  );
  return { config: Object.freeze(config) as unknown as SchedulerConfig<F>, ignored };
}

/** A field that is off asks for nothing, so a scheduler without it does what it says. */
function isOff(value: unknown): boolean {
  return value === null || value === false || (Array.isArray(value) && value.length === 0);
}

function givenFields(className: string, input: SchedulerConfigInput): SchedulerConfigInput {
  checkConfig(className, input);
  const filledIn = (input as { readonly [FILLED_IN]?: SchedulerConfigInput })[FILLED_IN] ?? {};
  return Object.fromEntries(
    Object.entries(input).filter(
      ([name, value]) => value !== undefined && !(name in filledIn && filledIn[name] === value),
    ),
  );
}

/**
 * A config with one value of a field taken for another: what other schedulers call a choice that this one has too, or nearly.
 */
export function renamedChoice(
  config: SchedulerConfigInput,
  field: string,
  names: Readonly<Record<string, string>>,
): SchedulerConfigInput {
  const value = config?.[field];
  return typeof value === 'string' && Object.hasOwn(names, value) ? { ...config, [field]: names[value] } : config;
}
