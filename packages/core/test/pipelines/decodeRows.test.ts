import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { SampleRows } from '../../src/hooks/calls/SampleRows.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { PipelineEvent } from '../../src/run/PipelineEvent.js';
import { fixturePath } from '../support/fixturePath.js';

const Z = new Tensor(
  'float32',
  Float32Array.from({ length: 2 * 4 * 3 * 3 }, (_, i) => Math.sin(i)),
  [2, 4, 3, 3],
);
let pipe: DiffusionPipeline;
let vae: DiffusionPipeline['components'][string];

beforeEach(async () => {
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
    deviceOptions: { inline: true, threads: 1 },
  });
  vae = pipe.components['vae']!;
});
afterEach(async () => {
  await pipe.dispose();
});

async function parts(): Promise<SampleRows[]> {
  const seen: SampleRows[] = [];
  await vae.decodeRows({ z: Z }, (rows) => void seen.push(rows));
  return seen;
}

/** Gives each picture as its upper and lower half. */
function halve(): Disposable {
  return pipe.hooks.beforeDecode.tap('halve', ({ wrapRows }) =>
    wrapRows(
      (next) => async (z) =>
        (async function* () {
          for await (const { index, height, rows } of await next(z)) {
            const [, channels = 1, , width = 1] = rows.dims;
            const half = Math.floor(height / 2);
            for (const [top, count] of [
              [0, half],
              [half, height - half],
            ] as const) {
              const data = Float32Array.from({ length: channels * count * width }, (_, i) => {
                const channel = Math.floor(i / (count * width));
                return (rows.data as Float32Array)[channel * height * width + top * width + (i % (count * width))]!;
              });
              yield { index, top, height, rows: new Tensor('float32', data, [1, channels, count, width]) };
            }
          }
        })(),
    ),
  );
}

describe('parts that do not add up are errors', () => {
  type Parts = (parts: readonly SampleRows[]) => readonly SampleRows[];
  const others: [string, Parts][] = [
    ['none', () => []],
    ['one missing', (parts) => parts.slice(0, -1)],
    ['one missing in between', (parts) => parts.toSpliced(1, 1)],
    ['one twice', (parts) => [...parts, ...parts.slice(-1)]],
    ['a higher picture', (parts) => parts.map((part) => ({ ...part, height: part.height + 1 }))],
    ['another width', ([first, ...rest]) => [{ ...first!, rows: rowsOf([1, 3, 24, 12]) }, ...rest]],
    ['a picture too many', (parts) => [...parts, { ...parts[0]!, index: 2 }]],
    ['a gap in a row', (parts) => parts.map((part) => ({ ...part, top: part.top * 2 }))],
  ];
  const rowsOf = (dims: readonly number[]): Tensor =>
    new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);

  test.each(others)('%s', async (_, change) => {
    using halves = halve();
    using changed = pipe.hooks.beforeDecode.tap({ name: 'changed', stage: -1 }, ({ wrapRows }) =>
      wrapRows(
        (next) => async (z) =>
          (async function* () {
            const parts: SampleRows[] = [];
            for await (const part of await next(z)) parts.push(part);
            yield* change(parts);
          })(),
      ),
    );
    void [halves, changed];
    const refused = { code: 'ERR_SAMPLE_ROWS', message: expect.stringContaining('do not add up') };
    await expect(vae.decode({ z: Z })).rejects.toMatchObject(refused);
    await expect(parts()).rejects.toMatchObject(refused);
    await expect(pipe.decodeLatents(Z)).rejects.toMatchObject(refused);
  });
});

test('gives each picture of a batch, as decode does', async () => {
  const { sample } = await vae.decode({ z: Z });
  const seen = await parts();
  expect(seen.map(({ index, top, height }) => [index, top, height])).toEqual([
    [0, 0, sample.dims[2]],
    [1, 0, sample.dims[2]],
  ]);
  expect(seen.flatMap(({ rows }) => [...rows.data])).toEqual([...sample.data]);
});

test('a wrapper of rows and one of samples see each other as what they know', async () => {
  const { sample } = await vae.decode({ z: Z });
  using rows = halve();
  using whole = pipe.hooks.beforeDecode.tap('whole', ({ wrap }) =>
    wrap((next) => async (z) => {
      const inner = await next(z);
      expect(inner.dims).toEqual(sample.dims);
      return inner;
    }),
  );
  void [rows, whole];
  expect((await vae.decode({ z: Z })).sample.data).toEqual(sample.data);
  expect((await parts()).map(({ index, top }) => [index, top > 0])).toEqual([
    [0, false],
    [0, true],
    [1, false],
    [1, true],
  ]);
});

test('a tap of afterDecode gets the whole sample, and what it puts there is delivered', async () => {
  using rows = halve();
  using tap = pipe.hooks.afterDecode.tap('zero', (call) => {
    call.sample = new Tensor('float32', new Float32Array(call.sample!.size), call.sample!.dims);
  });
  void [rows, tap];
  expect((await parts()).flatMap(({ rows: { data } }) => [...(data as Float32Array)]).every((x) => x === 0)).toBe(true);
});

test('so does code around the model call', async () => {
  using rows = halve();
  const shapes: (readonly number[])[] = [];
  using tap = pipe.hooks.beforeModelCall.tap('watch', ({ wrap }) =>
    wrap((next) => async (inputs) => {
      const outputs = await next(inputs);
      shapes.push(outputs['sample']!.dims);
      return outputs;
    }),
  );
  void [rows, tap];
  expect((await parts()).length).toBe(2);
  expect(shapes.map(([count, channels]) => [count, channels])).toEqual([[2, 3]]);
});

test('what is done at the end of the model call sees no pictures, and comes after all of them, or after what failed', async () => {
  using rows = halve();
  const order: string[] = [];
  using tap = pipe.hooks.beforeModelCall.tap('end', ({ onEnd }) => onEnd(() => void order.push('end')));
  using after = pipe.hooks.afterModelCall.tap('after', ({ outputs }) => void order.push(Object.keys(outputs!).join()));
  void [rows, tap, after];
  await vae.decodeRows({ z: Z }, ({ index, top }) => void order.push(`${index} from ${top}`));
  const half = order[1]!.split(' ').at(-1);
  expect(order).toEqual(['0 from 0', `0 from ${half}`, '1 from 0', `1 from ${half}`, 'end', '']);
  order.length = 0;
  const failing = vae.decodeRows({ z: Z }, () => {
    throw new Error('no room');
  });
  await expect(failing).rejects.toThrow('no room');
  expect(order).toEqual(['end']);
});

test('each picture of a run is an event, before the last one is decoded', async () => {
  const order: string[] = [];
  const seen = new EventEmitter();
  using slices = pipe.hooks.beforeDecode.tap('slice', ({ wrapRows }) =>
    wrapRows(
      (next) => async (z) =>
        (async function* () {
          for (let index = 0; index < 3; index++) {
            order.push(`decode ${index}`);
            const one = new Tensor(
              'float32',
              (z.data as Float32Array).slice((index * z.size) / 3, ((index + 1) * z.size) / 3),
              [1, ...z.dims.slice(1)],
            );
            const told = once(seen, 'image');
            for await (const part of await next(one)) yield { ...part, index };
            await told;
          }
        })(),
    ),
  );
  void slices;
  const images: Extract<PipelineEvent, { type: 'image' }>[] = [];
  for await (const event of pipe.stream(['a', 'b', 'c'], {
    numInferenceSteps: 1,
    seed: [4, 5, 6],
    width: 32,
    height: 32,
  })) {
    if (event.type === 'image') {
      images.push(event);
      order.push(`image ${event.index}`);
      seen.emit('image');
    }
    if (event.type === 'done') expect(event.result.images).toEqual(images.map(({ image }) => image));
  }
  expect(order).toEqual(['decode 0', 'image 0', 'decode 1', 'image 1', 'decode 2', 'image 2']);
  expect(images.map(({ seed }) => seed)).toEqual([4, 5, 6]);
  expect(images[1]!.image.metadata['parameters']).toContain('Seed: 5');
});

test('a reader who leaves while a picture is decoded ends the decoding', async () => {
  let finished = 0;
  const slices = pipe.hooks.beforeDecode.tap('slow', ({ wrap, signal }) =>
    wrap((next) => async (z) => {
      pipe.progress('decode', 0, 1);
      await once(signal!, 'abort');
      signal!.throwIfAborted();
      finished++;
      return next(z);
    }),
  );
  for await (const event of pipe.stream('a', { numInferenceSteps: 1, width: 32, height: 32 }))
    if (event.type === 'progress') break;
  expect(finished).toBe(0);
  slices[Symbol.dispose]();
  expect((await pipe.generate('a', { numInferenceSteps: 1, width: 32, height: 32 })).images).toHaveLength(1);
});
