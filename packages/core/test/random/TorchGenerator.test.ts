import { describe, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { isThimbleError } from '../../src/errors.js';
import { BatchGenerator } from '../../src/random/BatchGenerator.js';
import { TorchGenerator, type RandnDtype } from '../../src/random/TorchGenerator.js';
import { FixtureCase, type FixtureCall } from '../schedulers/FixtureCase.js';

const fixture = new FixtureCase('torch-rng');
const named = (prefix: string): [string, FixtureCall][] =>
  fixture.calls.filter(({ name }) => name.startsWith(prefix)).map((call) => [call.name, call]);
const numbers = (tensor: Tensor): number[] => [...(tensor.data as Float32Array)];

const DTYPES: Readonly<Record<string, RandnDtype>> = {
  randn: 'float32',
  randn_f16: 'float16',
  randn_bf16: 'bfloat16',
  randn_f64: 'float64',
};

describe('TorchGenerator', () => {
  test.each(named('bits.'))('gives the raw words of torch: %s', (_, call) => {
    const generator = new TorchGenerator(call.args['seed'] as number);
    const words = Array.from({ length: 20 }, () => generator.random() % 2 ** 31);
    expect(words).toEqual(fixture.numbers(call.out['words']!.tensor));
  });

  test.each(named('fresh.'))('draws what torch draws: %s', (_, call) => {
    const { seed, shape } = call.args as { seed: number; shape: number[] };
    expect(fixture.excess(call.out['rand']!, numbers(new TorchGenerator(seed).rand(shape)))).toBeLessThanOrEqual(0);
    for (const [name, dtype] of Object.entries(DTYPES)) {
      const drawn = new TorchGenerator(seed).randn(shape, dtype);
      expect(drawn.dims).toEqual(shape);
      expect([name, fixture.excess(call.out[name]!, numbers(drawn)) <= 0]).toEqual([name, true]);
    }
  });

  test.each(named('chain.'))('draws one shape after the other: %s', (_, call) => {
    const { seed, shapes } = call.args as { seed: number; shapes: number[][] };
    const generator = new TorchGenerator(BigInt(seed));
    for (const [i, shape] of shapes.entries()) {
      expect(fixture.excess(call.out[i]!, numbers(generator.randn(shape)))).toBeLessThanOrEqual(0);
    }
  });

  test('float32 normals are within 1e-6 of torch', () => {
    let worst = 0;
    for (const [, call] of named('fresh.')) {
      const { seed, shape } = call.args as { seed: number; shape: number[] };
      const got = numbers(new TorchGenerator(seed).randn(shape));
      fixture.numbers(call.out['randn']!.tensor).forEach((x, i) => {
        worst = Math.max(worst, Math.abs(x - got[i]!));
      });
    }
    expect(worst).toBeLessThanOrEqual(1e-6);
  });

  test("looks at a seed modulo 2^32, a negative one as in two's complement", () => {
    const first = (seed: number | bigint): number => new TorchGenerator(seed).random();
    expect(first(2 ** 32 + 7)).toBe(first(7));
    expect(first(2n ** 63n + 7n)).toBe(first(7));
    expect(first(-1)).toBe(first(2 ** 32 - 1));
  });

  test.each([1.5, Number.NaN, 2n ** 64n, -(2n ** 63n) - 1n, '3' as unknown as number])(
    'refuses the seed %s',
    (seed) => {
      expect(() => new TorchGenerator(seed)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }));
    },
  );

  test('refuses sizes that are none', () => {
    const generator = new TorchGenerator(0);
    for (const dims of [[-1], [1.5], [Number.NaN]]) expect(() => generator.randn(dims)).toThrow(/"dims"/);
    expect(generator.randn([2, 0]).size).toBe(0);
  });
});

describe('BatchGenerator', () => {
  test('draws each image from its own generator', () => {
    const batch = new BatchGenerator([new TorchGenerator(1), new TorchGenerator(2)]);
    const single = [1, 2].flatMap((seed) => numbers(new TorchGenerator(seed).randn([1, 4, 3, 3])));
    expect(numbers(batch.randn([2, 4, 3, 3]))).toEqual(single);
  });

  test('refuses a batch of another size', () => {
    try {
      new BatchGenerator([new TorchGenerator(1)]).randn([2, 4]);
      throw new Error('should have thrown');
    } catch (error) {
      expect(isThimbleError(error, 'ERR_ARGUMENT_INVALID')).toBe(true);
    }
  });
});
