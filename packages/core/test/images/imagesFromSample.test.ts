import { describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { imagesFromPixels, imagesFromSample, pixelsFromSample } from '../../src/images/imagesFromSample.js';
import { FixtureCase } from '../schedulers/FixtureCase.js';

const code = (name: string, text: RegExp): unknown =>
  expect.objectContaining({ code: name, message: expect.stringMatching(text) });
const tensor = (numbers: readonly number[], dims: readonly number[]): Tensor =>
  new Tensor('float32', Float32Array.from(numbers), dims);

describe('imagesFromPixels', () => {
  test('puts channels last and rounds half to even', () => {
    const half = (byte: number): number => (byte + 0.5) / 255;
    const [image] = imagesFromPixels(tensor([0, 1, half(2), half(3), 2, -1], [1, 3, 1, 2]));
    expect([image!.width, image!.height, image!.channels]).toEqual([2, 1, 3]);
    expect([...image!.data]).toEqual([0, 2, 255, 255, 4, 0]);
  });

  test('gives the bytes that diffusers gives for a whole run', () => {
    const fixture = new FixtureCase('sd-tiny');
    const runs = fixture.calls.filter(({ out }) => out['image'] && out['image_u8']);
    expect(runs.length).toBeGreaterThan(0);
    for (const { out } of runs) {
      const [n, h, w, c] = fixture.shape(out['image']!.tensor) as [number, number, number, number];
      const last = fixture.numbers(out['image']!.tensor);
      const first = Array.from({ length: last.length }, (_, i) => {
        const [x, y, channel, image] = [
          i % w,
          Math.floor(i / w) % h,
          Math.floor(i / w / h) % c,
          Math.floor(i / w / h / c),
        ];
        return last[((image * h + y) * w + x) * c + channel]!;
      });
      const images = imagesFromPixels(tensor(first, [n, c, h, w]));
      expect(images.flatMap(({ data }) => [...data])).toEqual(fixture.numbers(out['image_u8']!.tensor));
    }
  });
});

describe('imagesFromSample', () => {
  test('takes -1 to 1, one image for each of the batch, with its metadata', () => {
    const images = imagesFromSample(tensor([-1, 0, 1, -3, 0.5, 3], [2, 3, 1, 1]), (index) => ({
      parameters: `image ${index}`,
    }));
    expect(images.map(({ data }) => [...data])).toEqual([
      [0, 128, 255],
      [0, 191, 255],
    ]);
    expect(images.map(({ metadata }) => metadata)).toEqual([{ parameters: 'image 0' }, { parameters: 'image 1' }]);
    expect(pixelsFromSample(tensor([-1, 0, 1, -3, 0.5, 3], [2, 3, 1, 1])).data).toEqual(
      Float32Array.of(0, 0.5, 1, 0, 0.75, 1),
    );
  });

  test('names the image with NaN', () => {
    const sample = tensor([0, 0, 0, 0, Number.NaN, Number.NaN], [2, 3, 1, 1]);
    expect(() => imagesFromSample(sample)).toThrow(code('ERR_IMAGE_NAN', /image 1 has 2 values/));
  });

  test('refuses other tensors', () => {
    expect(() => imagesFromSample(tensor([0, 0, 0, 0], [1, 4, 1, 1]))).toThrow(
      code('ERR_TENSOR_SHAPE', /\[1, 4, 1, 1\].*\[N, 3, H, W\]/),
    );
    expect(() => imagesFromSample(tensor([0, 0, 0], [3, 1, 1]))).toThrow(code('ERR_TENSOR_SHAPE', /\[3, 1, 1\]/));
    expect(() => imagesFromPixels(new Tensor('float64', new Float64Array(3), [1, 3, 1, 1]))).toThrow(
      code('ERR_TENSOR_DTYPE', /float64/),
    );
  });
});
