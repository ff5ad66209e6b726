/** Bytes of an element as passes reckon with it: on the CPU all is computed in float32. */
export const FLOAT32_BYTES = 4;
