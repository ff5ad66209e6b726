import { ThimbleError } from '@thimble/core';
import { checkComponentNames } from '@thimble/core/plugin';

/** Layers that stay in float32: the first and the last, embeddings (of time, classes, patches, positions), and those that make the gains of norms. */
export const DEFAULT_KEEP = ['conv_in', 'conv_out', 'quant_conv', 'time_emb', 'embed', 'norm', '^proj_out$'] as const;

/** Below so many multiplications and additions a layer stays in float32: quantising its input takes longer than that saves. */
export const DEFAULT_MINIMUM_OPERATIONS = 2 ** 22;

/** Options of an `Int8ComputePlugin`. */
export interface Int8ComputeOptions {
  /** Names of the components that compute so. Default: the denoiser (`unet`, `transformer`) and the `vae`; in a pipeline without them, all. */
  readonly components?: readonly string[];
  /**
   * Regular expressions, searched anywhere in the dotted name of a layer, such as `down_blocks.0.resnets.0.conv1`; what matches stays in float32. In place
   * of {@link DEFAULT_KEEP}: `[...DEFAULT_KEEP, 'attn2']` keeps more.
   */
  readonly keep?: readonly (string | RegExp)[];
  /** A layer of fewer multiplications and additions than this at the sizes of a call stays in float32. Default {@link DEFAULT_MINIMUM_OPERATIONS}. */
  readonly minimumOperations?: number;
  /** Compute in int8 even where a short measurement says that this processor gains nothing by it. Default false. */
  readonly force?: boolean;
}

/** {@link Int8ComputeOptions}, checked, with defaults. */
export interface CheckedInt8Options {
  readonly components: readonly string[] | undefined;
  readonly keep: readonly RegExp[];
  readonly minimumOperations: number;
  readonly force: boolean;
}

/** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
export function checkInt8Options({
  components,
  keep = DEFAULT_KEEP,
  minimumOperations = DEFAULT_MINIMUM_OPERATIONS,
  force = false,
}: Int8ComputeOptions): CheckedInt8Options {
  checkComponentNames('components', components);
  if (!Array.isArray(keep)) refuse('keep', keep, "a list of regular expressions: ['conv_in', 'attn2']");
  if (typeof minimumOperations !== 'number' || !(minimumOperations >= 0))
    refuse('minimumOperations', minimumOperations, 'a number from 0');
  if (typeof force !== 'boolean') refuse('force', force, 'true or false');
  return { components, keep: keep.map(toPattern), minimumOperations, force };
}

function toPattern(pattern: unknown): RegExp {
  // A RegExp with the flag g or y would remember where it stopped.
  if (pattern instanceof RegExp) return new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''));
  if (typeof pattern !== 'string') return refuse('keep', pattern, 'texts or regular expressions');
  try {
    return new RegExp(pattern);
  } catch (error) {
    return refuse('keep', pattern, `regular expressions (${String(error)})`);
  }
}

function refuse(argument: string, value: unknown, expected: string): never {
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
