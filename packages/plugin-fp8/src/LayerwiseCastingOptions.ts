import { ThimbleError } from '@thimble/core';

/** What weights may be stored in: PyTorch's eight-bit floats, or int8 with a scale for each output channel. */
export const STORAGE_DTYPES = ['float8_e4m3fn', 'float8_e5m2', 'int8'] as const;

/** One of {@link STORAGE_DTYPES}. */
export type StorageDtype = (typeof STORAGE_DTYPES)[number];

/** diffusers' `DEFAULT_SKIP_MODULES_PATTERN`. */
export const DEFAULT_SKIP_MODULES_PATTERN = ['pos_embed', 'patch_embed', 'norm', '^proj_in$', '^proj_out$'] as const;

/** What is stored in less, and how. */
export interface CastingOptions {
  /**
   * `float8_e4m3fn` (default) and `float8_e5m2`: rounded to the nearest, without scale factors, as diffusers does. `int8`: symmetric, one float32
   * scale for each output channel; ours, closer to the original at the same size.
   */
  readonly storageDtype?: StorageDtype;
  /** What layers compute in. The CPU provider's kernels know float32 alone. */
  readonly computeDtype?: 'float32';
  /**
   * Regular expressions, searched anywhere in the dotted names of a layer and of the modules it hangs on, such as `down_blocks.0.resnets.0.conv1`;
   * what matches keeps its weights. Default 'auto': {@link DEFAULT_SKIP_MODULES_PATTERN}; `null`: none.
   */
  readonly skipModulesPattern?: 'auto' | readonly (string | RegExp)[] | null;
  /**
   * Python classes of layers and modules that keep their weights, such as `Conv2d` or `FeedForward`. With neither patterns nor classes everything is
   * stored in less, norms too.
   */
  readonly skipModulesClasses?: readonly string[] | null;
}

/** {@link CastingOptions}, checked, with defaults. */
export interface CheckedCastingOptions {
  readonly storageDtype: StorageDtype;
  /** `undefined` = not given, or 'auto'. */
  readonly patterns: readonly RegExp[] | null | undefined;
  readonly classes: readonly string[] | null;
}

/** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
export function checkCastingOptions(options: CastingOptions): CheckedCastingOptions {
  const {
    storageDtype = 'float8_e4m3fn',
    computeDtype = 'float32',
    skipModulesPattern = 'auto',
    skipModulesClasses = null,
  } = options;
  if (!STORAGE_DTYPES.includes(storageDtype))
    refuse('storageDtype', storageDtype, STORAGE_DTYPES.map((name) => `'${name}'`).join(', '));
  if (computeDtype !== 'float32') refuse('computeDtype', computeDtype, "'float32', which the CPU provider computes in");
  return { storageDtype, patterns: checkPatterns(skipModulesPattern), classes: checkClasses(skipModulesClasses) };
}

function checkPatterns(patterns: CastingOptions['skipModulesPattern']): readonly RegExp[] | null | undefined {
  if (patterns === 'auto' || patterns === undefined) return undefined;
  if (patterns === null) return null;
  if (!Array.isArray(patterns)) return refuse('skipModulesPattern', patterns, "'auto', null, or a list: ['norm']");
  return (patterns as readonly unknown[]).map(toPattern);
}

function toPattern(pattern: unknown): RegExp {
  // A RegExp with the flag g or y would remember where it stopped.
  if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''));
  if (typeof pattern !== 'string') return refuse('skipModulesPattern', pattern, 'texts or regular expressions');
  try {
    return new RegExp(pattern);
  } catch (error) {
    return refuse('skipModulesPattern', pattern, `regular expressions (${String(error)})`);
  }
}

function checkClasses(classes: CastingOptions['skipModulesClasses']): readonly string[] | null {
  if (classes === null || classes === undefined) return null;
  if (Array.isArray(classes) && classes.every((name) => typeof name === 'string' && name !== ''))
    return classes as readonly string[];
  return refuse('skipModulesClasses', classes, "a list of class names: ['Conv2d']");
}

/** Throws ERR_ARGUMENT_INVALID. */
export function refuse(argument: string, value: unknown, expected: string): never {
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
