/** Instruction sets with which the runtime's int8 kernels outrun its float32 kernels: 1.3 times (AVX2) to four times (VNNI) when measured. */
const FAST_SETS = ['avx2', 'avx_vnni', 'avx512bw', 'avx512_vnni', 'amx_int8', 'asimddp', 'i8mm'];

/**
 * Whether a processor gains by int8. Its instruction sets decide, and no measurement: a busy moment must not change what a seed gives.
 *
 * @param sets as `instructionSets()` gives them; where they are not known, as on macOS and Windows, the processor is taken for one that gains
 */
export function isFasterInInt8(sets: readonly string[]): boolean {
  return sets.length === 0 || sets.some((name) => FAST_SETS.includes(name));
}
