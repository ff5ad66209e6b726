import { Script } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import { Image, isThimbleError, Tensor } from '@thimble/core';
import { hookNames } from '@thimble/core/plugin';
import {
  createTestPipeline,
  expectPeakBytesBelow,
  expectSameOutput,
  FakeDevice,
  recordHooks,
  testRun,
} from '../src/index.js';
import { TimerWatch } from '../src/conformance/TimerWatch.js';

const thrown = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

describe('createTestPipeline', () => {
  test.each(['process', 'inline', 'fake'] as const)(
    'on device %s: makes the same picture again, and another one of another prompt',
    async (device) => {
      await using pipe = await createTestPipeline({ device });
      const first = await pipe.generate('a cat', testRun);
      expect(first.images.dims).toEqual([1, 3, 64, 64]);
      expectSameOutput(await pipe.generate('a cat', testRun), first);
      expect(await thrown(async () => expectSameOutput(await pipe.generate('a dog', testRun), first))).toMatchObject({
        code: 'ERR_ASSERTION',
      });
      expect(pipe.plugins).toEqual([]);
    },
  );

  test('gives the same picture from both real devices', async () => {
    await using a = await createTestPipeline();
    await using b = await createTestPipeline({ device: 'inline' });
    const [first, second] = [await a.generate('a cat', testRun), await b.generate('a cat', testRun)];
    expect(() => expectSameOutput(first, second)).not.toThrow();
  });

  test('refuses another device', async () => {
    expect(
      isThimbleError(await thrown(async () => createTestPipeline({ device: 'gpu' as 'fake' })), 'ERR_ARGUMENT_INVALID'),
    ).toBe(true);
  });
});

describe('FakeDevice', () => {
  test('keeps books as a real device does: sessions, tensors, and a segment that is not loaded', async () => {
    await using pipe = await createTestPipeline({ device: 'fake' });
    await using real = await createTestPipeline({ device: 'inline' });
    await pipe.generate('a cat', testRun);
    await real.generate('a cat', testRun);
    expect(await pipe.device.usage()).toEqual(await real.device.usage());
    for (const component of Object.values(pipe.components)) await component.unload();
    expect(await pipe.device.usage()).toEqual({ sessions: 0, tensors: 0 });
    expect(
      await thrown(() =>
        pipe.device.run({ inputs: {}, steps: [{ session: 99, feeds: {}, results: {}, release: [] }], outputs: {} }),
      ),
    ).toMatchObject({ code: 'ERR_RUNTIME_RUN' });
  });

  test('gives each sample of a batch what it gives it alone', async () => {
    await using pipe = await createTestPipeline({ device: 'fake' });
    const z = new Tensor(
      'float32',
      Float32Array.from({ length: 2 * 64 }, (_, i) => i),
      [2, 4, 4, 4],
    );
    const { sample } = await pipe.components['vae']!.decode({ z });
    const alone = await pipe.components['vae']!.decode({ z: new Tensor('float32', z.data.slice(64), [1, 4, 4, 4]) });
    expect((sample.data as Float32Array).slice(sample.size / 2)).toEqual(alone.sample.data);
  });

  test('keeps rows', async () => {
    const device = new FakeDevice();
    const rows = await device.createRows({ type: 'float32', outer: 2, rows: 3, inner: 2 });
    const tensor = new Tensor('float32', Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [1, 2, 2, 2]);
    await device.run({ inputs: { x: tensor }, steps: [], outputs: { x: { of: rows, start: 1, count: 2 } } });
    const read = await device.run({
      inputs: { y: { of: rows, start: 2, count: 1 } },
      steps: [],
      outputs: { y: 'download' },
    });
    expect([...(read.downloaded['y']!.data as Float32Array)]).toEqual([3, 4, 7, 8]);
    await device.free([rows]);
    expect(await device.usage()).toEqual({ sessions: 0, tensors: 0 });
    await device.dispose();
    expect(await thrown(() => device.upload(tensor))).toMatchObject({ code: 'ERR_DISPOSED' });
  });

  test('stops between segments where it is aborted', async () => {
    await using pipe = await createTestPipeline({ device: 'fake' });
    const reason = new Error('enough');
    expect(await thrown(() => pipe.generate('a cat', { ...testRun, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});

describe('recordHooks', () => {
  test('records calls and taps in order, and stops', async () => {
    await using pipe = await createTestPipeline({ device: 'fake' });
    const tap = pipe.hooks.beforeStep.tap('mine', () => undefined);
    const record = recordHooks(pipe);
    await pipe.generate('a cat', testRun);
    expect(new Set(record.names())).toEqual(
      new Set(hookNames.filter((name) => !['failed', 'beforeEncode', 'afterEncode'].includes(name))),
    );
    expect(record.names()[0]).toBe('beforeRun');
    expect(record.names().at(-1)).toBe('afterRun');
    expect(
      record.calls
        .filter(({ hook }) => hook === 'beforeModelCall')
        .map(({ component, entry }) => `${component}.${entry}`),
    ).toEqual(['text_encoder.call', 'text_encoder.call', 'unet.call', 'unet.call', 'vae.decode']);
    expect(record.calls.filter(({ hook }) => hook === 'afterStep').map(({ index }) => index)).toEqual([0, 1]);
    expect(record.taps.filter(({ hook }) => hook !== 'transformGraph').map(({ tap: { name } }) => name)).toEqual([
      'mine',
      'mine',
    ]);
    const count = record.calls.length;
    record.dispose();
    tap[Symbol.dispose]();
    await pipe.generate('a cat', testRun);
    expect(record.calls).toHaveLength(count);
    expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners().map(({ name }) => name))).toEqual([
      'thimble-testkit:fake-device',
    ]);
  });
});

describe('expectSameOutput', () => {
  const image = (value: number): Image =>
    new Image({ width: 2, height: 1, channels: 3, data: new Uint8Array(6).fill(value) });

  test.each([
    [[1, 2], [1, 2], 0],
    [[1, NaN], [1, NaN], 0],
    [[1, 2], [1, 2.5], 0.5],
    [[0], [-0], 0],
    [new Tensor('float32', Float32Array.of(1), [1]), [1], 0],
    [[image(3)], [image(4)], 1],
  ] as const)('passes %j and %j within %d', (a, b, tolerance) => {
    expect(() => expectSameOutput(a, b, { tolerance })).not.toThrow();
  });

  test.each([
    [[1, 2], [1, 2, 3], 0, /different size: 2 values and 3/],
    [[1, 2], [1, 2.5], 0.4, /differ by 0.5 at value 1/],
    [[1, NaN], [1, 1], 100, /differ by Infinity/],
    [[image(3)], [image(5)], 1, /differ by 2/],
  ] as const)('refuses %j and %j within %d', async (a, b, tolerance, message) => {
    expect(await thrown(() => expectSameOutput(a, b, { tolerance }))).toMatchObject({
      code: 'ERR_ASSERTION',
      message: expect.stringMatching(message),
    });
  });
});

describe('expectPeakBytesBelow', () => {
  test('looks at what the run took', async () => {
    await using pipe = await createTestPipeline();
    const { memory } = await pipe.generate('a cat', { ...testRun, numInferenceSteps: 20 });
    expectPeakBytesBelow(memory, '500MB');
    expectPeakBytesBelow(memory, 2 ** 40, { kind: 'resident', process: 'both' });
    expect(await thrown(() => expectPeakBytesBelow(memory, '1MB'))).toMatchObject({
      code: 'ERR_ASSERTION',
      expected: 2 ** 20,
    });
    expect(await thrown(() => expectPeakBytesBelow(memory, 'much'))).toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  });

  test('says so where there is no process to look at', async () => {
    await using pipe = await createTestPipeline({ device: 'inline' });
    const { memory } = await pipe.generate('a cat', testRun);
    expectPeakBytesBelow(memory, 2 ** 40, { process: 'main' });
    expect(await thrown(() => expectPeakBytesBelow(memory, '1GB'))).toMatchObject({
      message: expect.stringContaining('no process of its own'),
    });
  });
});

describe('timers', () => {
  const begin = (filename: string): NodeJS.Timeout =>
    (
      new Script('(begin) => begin(() => undefined, 1e6)', { filename }).runInThisContext() as (
        begin: typeof setTimeout,
      ) => NodeJS.Timeout
    )(setTimeout);

  test('of a plugin are seen until they are cleared, those of a test framework are not', async () => {
    using watch = new TimerWatch();
    const timers = [
      begin('/app/plugin.js'),
      begin('/app/node_modules/.pnpm/x/node_modules/@jest/reporters/build/index.js'),
    ];
    try {
      expect(await watch.running()).toEqual([expect.stringMatching(/^Timeout at .*\/app\/plugin\.js:1/)]);
    } finally {
      for (const timer of timers) clearTimeout(timer);
    }
    expect(await watch.running()).toEqual([]);
  });
});
