import { describe, expect, test } from '@jest/globals';
import { decodeBfloat16 } from '../../src/weights/files/decodeBfloat16.js';
import { decodeFloat16 } from '../../src/weights/files/decodeFloat16.js';
import { decodeFloat8E4m3fn } from '../../src/weights/files/decodeFloat8E4m3fn.js';
import { decodeFloat8E5m2 } from '../../src/weights/files/decodeFloat8E5m2.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';

const allCodes16 = Uint16Array.from({ length: 65536 }, (_, code) => code);
const oracle = new URL('../fixtures/fp8/codes.safetensors', import.meta.url).pathname;

/** The value of a code by the formats' definition. */
function valueOf(code: number, exponentBits: number, mantissaBits: number): number {
  const sign = code >> (exponentBits + mantissaBits) ? -1 : 1;
  const exponent = (code >> mantissaBits) & (2 ** exponentBits - 1);
  const fraction = (code & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** The first code that is decoded wrongly; zeros are told apart by their sign. */
function firstDifference(got: Float32Array, expected: (code: number) => number): number {
  return got.findIndex((value, code) => !Object.is(value, expected(code)));
}

describe('decoders, over all codes', () => {
  test('float16', () => {
    expect(firstDifference(decodeFloat16(allCodes16), (code) => valueOf(code, 5, 10))).toBe(-1);
  });

  test('bfloat16', () => {
    expect(firstDifference(decodeBfloat16(allCodes16), (code) => valueOf(code, 8, 7))).toBe(-1);
  });

  test.each([
    ['float8_e4m3fn', decodeFloat8E4m3fn],
    ['float8_e5m2', decodeFloat8E5m2],
  ])('%s, as PyTorch does', async (name, decode) => {
    const file = await SafetensorsFile.open(oracle);
    const codes = await file.read(`in.decode.${name}.codes`);
    const expected = await file.readFloat32(`out.decode.${name}.values`);
    expect(new Set(codes).size).toBe(256);
    expect(firstDifference(decode(codes), (index) => expected[index]!)).toBe(-1);
  });
});
