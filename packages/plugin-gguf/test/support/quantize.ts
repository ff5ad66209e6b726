import { encodeFloat16 } from '@thimble/core/plugin';

/** Rounds whole blocks of 32 to Q8_0. */
export function encodeQ8_0(values: Float32Array): Uint8Array {
  return encodeBlocks(values, 34, 127, (codes, bytes) => bytes.set(codes.map((code) => code & 0xff)));
}

/** Rounds whole blocks of 32 to Q4_0. */
export function encodeQ4_0(values: Float32Array): Uint8Array {
  return encodeBlocks(values, 18, 7, (codes, bytes) => {
    for (let i = 0; i < 16; i++) bytes[i] = ((codes[i] as number) + 8) | (((codes[i + 16] as number) + 8) << 4);
  });
}

function encodeBlocks(
  values: Float32Array,
  blockBytes: number,
  largest: number,
  put: (codes: readonly number[], bytes: Uint8Array) => void,
): Uint8Array {
  const out = new Uint8Array((values.length / 32) * blockBytes);
  for (let at = 0, to = 0; at < values.length; at += 32, to += blockBytes) {
    const block = values.subarray(at, at + 32);
    const scale = Math.max(...block.map(Math.abs)) / largest || 1;
    out.set(new Uint8Array(encodeFloat16(Float32Array.of(scale)).buffer), to);
    put(
      [...block].map((value) => Math.max(-largest, Math.min(largest, Math.round(value / scale)))),
      out.subarray(to + 2, to + blockBytes),
    );
  }
  return out;
}
