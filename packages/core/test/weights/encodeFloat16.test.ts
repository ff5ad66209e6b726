import { expect, test } from '@jest/globals';
import { TorchGenerator } from '../../src/random/TorchGenerator.js';
import { roundToFloat16 } from '../../src/random/roundTo16Bits.js';
import { decodeFloat16 } from '../../src/weights/files/decodeFloat16.js';
import { encodeFloat16 } from '../../src/weights/files/encodeFloat16.js';

test('gives every float16 back', () => {
  const codes = Uint16Array.from({ length: 2 ** 16 }, (_, code) => code);
  const values = decodeFloat16(codes);
  const again = encodeFloat16(values);
  const back = decodeFloat16(again);
  expect(
    codes.filter((code) => (Number.isNaN(values[code]) ? !Number.isNaN(back[code]) : again[code] !== code)),
  ).toEqual(new Uint16Array());
});

test('rounds to the nearest, ties to even, over the whole range and between neighbours', () => {
  const noise = new TorchGenerator(5).randn([40_000]).data as Float32Array;
  const spread = noise.map((x, i) => x * 2 ** ((i % 46) - 28));
  const all = decodeFloat16(Uint16Array.from({ length: 0x7c00 }, (_, code) => code));
  const ties = all.slice(1).map((x, i) => (x + all[i]!) / 2);
  const edges = Float32Array.of(65519.99, 65520, 65536, 1e30, -1e30, 2 ** -25, 2 ** -25 * 1.0001, -(2 ** -24), -0);
  for (const values of [spread, ties, edges]) {
    const got = decodeFloat16(encodeFloat16(values));
    const wrong = [...values].findIndex(
      (value, i) =>
        !Object.is(got[i], Math.fround(roundToFloat16(value))) && !(got[i] === 0 && Math.abs(value) <= 2 ** -25),
    );
    expect(wrong === -1 ? 'none' : `${values[wrong]} became ${got[wrong]}`).toBe('none');
  }
});
