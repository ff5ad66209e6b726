import { beforeAll, describe, expect, test } from '@jest/globals';
import { decodeBfloat16 } from '../../src/weights/files/decodeBfloat16.js';
import { decodeFloat16 } from '../../src/weights/files/decodeFloat16.js';
import { decodeFloat8E4m3fn } from '../../src/weights/files/decodeFloat8E4m3fn.js';
import { decodeFloat8E5m2 } from '../../src/weights/files/decodeFloat8E5m2.js';
import { Float8Encoder } from '../../src/weights/files/Float8Encoder.js';
import { FixtureCase } from '../support/FixtureCase.js';

const FORMATS = [
  ['float8_e4m3fn', Float8Encoder.e4m3fn, decodeFloat8E4m3fn, 448],
  ['float8_e5m2', Float8Encoder.e5m2, decodeFloat8E5m2, 61440],
] as const;
const EVERY_HALF = Uint16Array.from({ length: 2 ** 16 }, (_, code) => code);
let torch: FixtureCase;

beforeAll(async () => {
  torch = await FixtureCase.open('layerwise-casting');
});

describe.each(FORMATS)('%s', (name, encoder, decode, overflowsFrom) => {
  test("rounds to torch's codes", async () => {
    const { values } = await torch.inputs(`round.${name}`);
    const want = (await torch.tensor(torch.call(`round.${name}`).out['codes']!.tensor)).data as Uint8Array;
    const got = encoder.encode(values!.data as Float32Array);
    const [gotValues, wantValues] = [decode(got), decode(want)];
    expect(got.length).toBe(want.length);
    const wrong = [...want.keys()].filter(
      (i) => got[i] !== want[i] && !(Number.isNaN(gotValues[i]) && Number.isNaN(wantValues[i])),
    );
    expect(wrong.map((i) => [values!.data[i], got[i], want[i]])).toEqual([]);
  });

  test('gives back every code', () => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
    const values = decode(codes);
    const again = encoder.encode(values);
    for (const code of codes) {
      const value = values[code]!;
      if (Number.isNaN(value)) expect(decode(again.subarray(code, code + 1))[0]).toBeNaN();
      else expect(again[code]).toBe(code);
    }
  });

  test('takes the nearest for every float16, bfloat16 and some million float32', () => {
    const magnitudes = [...new Set(decode(Uint8Array.from({ length: 128 }, (_, code) => code)))].filter((value) =>
      Number.isFinite(value),
    );
    const nearest = (value: number): number =>
      magnitudes.reduce((best, each) => (Math.abs(each - value) < Math.abs(best - value) ? each : best), 0);
    const check = (values: Float32Array, codes: Uint8Array): void => {
      const rounded = decode(codes);
      for (let i = 0; i < values.length; i += 61) {
        const value = values[i]!;
        if (!(Math.abs(value) < overflowsFrom)) continue;
        expect(Math.abs(rounded[i]! - value)).toBe(Math.abs(nearest(Math.abs(value)) - Math.abs(value)));
        expect(Object.is(Math.sign(rounded[i]!), Math.sign(value)) || rounded[i] === 0).toBe(true);
      }
    };
    check(decodeFloat16(EVERY_HALF), encoder.encodeStored(new Uint8Array(EVERY_HALF.buffer), 'F16'));
    check(decodeBfloat16(EVERY_HALF), encoder.encodeStored(new Uint8Array(EVERY_HALF.buffer), 'BF16'));
    const floats = new Float32Array(Uint32Array.from({ length: 2 ** 20 }, (_, i) => Math.imul(i, 0x9e3779b1)).buffer);
    check(floats, encoder.encodeStored(new Uint8Array(floats.buffer), 'F32'));
    expect(encoder.encode(decodeFloat16(EVERY_HALF))).toEqual(
      encoder.encodeStored(new Uint8Array(EVERY_HALF.buffer), 'F16'),
    );
    expect(encoder.encode(decodeBfloat16(EVERY_HALF))).toEqual(
      encoder.encodeStored(new Uint8Array(EVERY_HALF.buffer), 'BF16'),
    );
  });

  test('refuses what is no float of 16 or 32 bits', () => {
    expect(() => encoder.encodeStored(new Uint8Array(4), 'I8')).toThrow('F32, F16 or BF16');
  });
});
