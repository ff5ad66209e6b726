import {
  choiceField,
  eitherField,
  type FieldValues,
  listField,
  nullable,
  type OptionsOf,
  textField,
} from '@thimble/core/model';
import { patternsField, readOptions, toPatterns } from '@thimble/core/plugin';

/** What weights may be stored in: PyTorch's eight-bit floats, or int8 with a scale for each output channel. */
export const STORAGE_DTYPES = ['float8_e4m3fn', 'float8_e5m2', 'int8'] as const;

/** One of {@link STORAGE_DTYPES}. */
export type StorageDtype = (typeof STORAGE_DTYPES)[number];

/** diffusers' `DEFAULT_SKIP_MODULES_PATTERN`. */
export const DEFAULT_SKIP_MODULES_PATTERN = ['pos_embed', 'patch_embed', 'norm', '^proj_in$', '^proj_out$'] as const;

/** What is stored in less, and how. */
export const castingFields = {
  /**
   * `float8_e4m3fn` (default) and `float8_e5m2`: rounded to the nearest, without scale factors, as diffusers does. `int8`: symmetric, one float32
   * scale for each output channel; ours, closer to the original at the same size.
   */
  storageDtype: choiceField('float8_e4m3fn', STORAGE_DTYPES),
  /** What layers compute in. The CPU provider's kernels know float32 alone. */
  computeDtype: choiceField('float32', ['float32']),
  /**
   * Regular expressions, searched anywhere in the dotted names of a layer and of the modules it hangs on, such as `down_blocks.0.resnets.0.conv1`;
   * what matches keeps its weights. Default 'auto': {@link DEFAULT_SKIP_MODULES_PATTERN}; `null`: none.
   */
  skipModulesPattern: nullable(eitherField(choiceField('auto', ['auto']), patternsField()), 'auto'),
  /**
   * Python classes of layers and modules that keep their weights, such as `Conv2d` or `FeedForward`. With neither patterns nor classes everything is
   * stored in less, norms too.
   */
  skipModulesClasses: nullable(listField(textField('', 'a name', 1), "a list of class names: ['Conv2d']", 0)),
};

/** What is stored in less, and how. */
export type CastingOptions = OptionsOf<typeof castingFields>;

/** {@link CastingOptions}, checked, with defaults. */
export interface CheckedCastingOptions {
  readonly storageDtype: StorageDtype;
  /** `undefined` = not given, or 'auto'. */
  readonly patterns: readonly RegExp[] | null | undefined;
  readonly classes: readonly string[] | null;
}

/** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
export function checkCastingOptions(
  options: CastingOptions | FieldValues<typeof castingFields>,
): CheckedCastingOptions {
  const {
    storageDtype,
    skipModulesPattern: patterns,
    skipModulesClasses,
  } = readOptions(options, castingFields, 'applyLayerwiseCasting');
  const chosen = Array.isArray(patterns) ? toPatterns(patterns) : patterns === 'auto' ? undefined : null;
  return { storageDtype, patterns: chosen, classes: skipModulesClasses ?? null };
}
