import { booleanField, numberField, type OptionsOf } from '@thimble/core/model';
import { componentNamesField, patternsField, readOptions, toPatterns } from '@thimble/core/plugin';

/** Layers that stay in float32: the first and the last, embeddings (of time, classes, patches, positions), and those that make the gains of norms. */
export const DEFAULT_KEEP = ['conv_in', 'conv_out', 'quant_conv', 'time_emb', 'embed', 'norm', '^proj_out$'] as const;

/** Below so many multiplications and additions a layer stays in float32: quantising its input takes longer than that saves. */
export const DEFAULT_MINIMUM_OPERATIONS = 2 ** 22;

/** The options of an `Int8ComputePlugin`. */
export const int8ComputeFields = {
  /** Names of the components that compute so. Default: the denoiser (`unet`, `transformer`) and the `vae`; in a pipeline without them, all. */
  components: componentNamesField(),
  /**
   * Regular expressions, searched anywhere in the dotted name of a layer, such as `down_blocks.0.resnets.0.conv1`; what matches stays in float32. In place
   * of {@link DEFAULT_KEEP}: `[...DEFAULT_KEEP, 'attn2']` keeps more.
   */
  keep: patternsField(),
  /** A layer of fewer multiplications and additions than this at the sizes of a call stays in float32. */
  minimumOperations: numberField(DEFAULT_MINIMUM_OPERATIONS, 0),
  /** Compute in int8 even on a processor whose instructions gain nothing by it, and layers that are faster in float32. */
  force: booleanField(false),
};

/** Options of an `Int8ComputePlugin`. */
export type Int8ComputeOptions = OptionsOf<typeof int8ComputeFields>;

/** {@link Int8ComputeOptions}, checked, with defaults. */
export interface CheckedInt8Options {
  readonly components: readonly string[] | undefined;
  readonly keep: readonly RegExp[];
  readonly minimumOperations: number;
  readonly force: boolean;
}

/** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
export function checkInt8Options(options: Int8ComputeOptions): CheckedInt8Options {
  const { keep = DEFAULT_KEEP, ...others } = readOptions(options, int8ComputeFields, 'Int8ComputePlugin');
  return { ...others, keep: toPatterns(keep) };
}
