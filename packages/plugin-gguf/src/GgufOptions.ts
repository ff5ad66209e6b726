import { choiceField, type FieldValues, type OptionsOf } from '@thimble/core/model';
import { componentNamesField } from '@thimble/core/plugin';

/** How linear layers multiply with weights in blocks. */
export const COMPUTE_TYPES = ['dequantize', 'matmul_nbits'] as const;

/** The options of a `GgufPlugin`. */
export const ggufFields = {
  /**
   * How linear layers multiply with weights of Q4_0, Q4_1, Q4_K and Q8_0. `dequantize` (default): with the weights as they lie in the file, of which the graph makes float32. `matmul_nbits`:
   * by the runtime's operator for such weights, laid out for it once and kept in the weight cache, where they take 20 bytes (Q4_1 and Q4_K 24, Q8_0 36) for 32 elements. Without a memory
   * limit, Q4_0 is packed once more as a session is made: faster, but private memory of about that size. Both compute in float32. All other layers and types are dequantized.
   */
  computeType: choiceField('dequantize', COMPUTE_TYPES),
  /** Names of the components for which `computeType` is meant. Default: all that have such weights. */
  components: componentNamesField(),
};

/** Options of a `GgufPlugin`. */
export type GgufOptions = OptionsOf<typeof ggufFields>;

/** {@link GgufOptions}, checked, with defaults. */
export type CheckedGgufOptions = FieldValues<typeof ggufFields>;
