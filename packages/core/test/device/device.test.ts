import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { createDevice } from '../../src/device/createDevice.js';
import type { Device } from '../../src/device/Device.js';
import { ProcessDevice } from '../../src/device/ProcessDevice.js';
import type { Program } from '../../src/device/Program.js';
import { processorTimeOfProcess } from '../support/processorTime.js';
import { affineModel, slowModel } from '../support/smallGraphs.js';

const VECTOR = new Tensor('float32', Float32Array.of(1, 2, 3), [3]);
const STEP = { feeds: { x: 'in' }, results: { y: 'out' }, release: ['in'] };
let device: Device;

afterEach(async () => {
  await device.dispose();
});

describe.each([
  ['ProcessDevice', false],
  ['InlineDevice', true],
])('%s', (_name, inline) => {
  const open = (): Device => {
    device = createDevice({ provider: 'cpu', inline });
    return device;
  };

  test('runs a session and copies the result back', async () => {
    const session = await open().load(affineModel());
    const { downloaded, durations } = await device.run({
      inputs: { in: VECTOR },
      steps: [{ session, ...STEP }],
      outputs: { out: 'download' },
    });
    expect([...(downloaded['out']!.data as Float32Array)]).toEqual([3, 5, 7]);
    expect(durations).toHaveLength(1);
  });

  test('keeps tensors on the device until they are freed, and counts them', async () => {
    const session = await open().load(affineModel());
    const input = await device.upload(VECTOR);
    const { kept } = await device.run({
      inputs: { in: input },
      steps: [{ session, ...STEP }],
      outputs: { out: 'keep' },
    });
    const out = kept['out'];
    if (out === undefined) throw new Error('nothing kept');
    expect(out.dims).toEqual([3]);
    expect(await device.usage()).toEqual({ sessions: 1, tensors: 2 });
    expect([...((await device.download(out)).data as Float32Array)]).toEqual([3, 5, 7]);
    expect([...((await device.download(input)).data as Float32Array)]).toEqual([1, 2, 3]);
    await device.free([input, out, out]);
    await device.unload(session);
    await device.unload(session);
    expect(await device.usage()).toEqual({ sessions: 0, tensors: 0 });
    await expect(device.download(out)).rejects.toMatchObject({ code: 'ERR_DEVICE_TENSOR_GONE' });
  });

  test('chains sessions, each reading what the one before gave', async () => {
    const session = await open().load(affineModel());
    const steps = [
      { session, ...STEP },
      { session, feeds: { x: 'out' }, results: { y: 'twice' }, release: ['out'] },
    ];
    const { downloaded } = await device.run({ inputs: { in: VECTOR }, steps, outputs: { twice: 'download' } });
    expect([...(downloaded['twice']!.data as Float32Array)]).toEqual([7, 11, 15]);
  });

  test('carries 64-bit integers', async () => {
    const input = await open().upload(new Tensor('int64', BigInt64Array.of(-5n, 2n ** 40n), [2]));
    expect([...((await device.download(input)).data as BigInt64Array)]).toEqual([-5n, 2n ** 40n]);
  });

  test('carries large tensors, several at once, and in order', async () => {
    await open().load(affineModel());
    const tensors = [3, 1, 2].map(
      (seed) =>
        new Tensor(
          'float32',
          Float32Array.from({ length: seed * 100_000 }, (_, i) => i * seed),
          [seed, 100_000],
        ),
    );
    const handles = await Promise.all(tensors.map((tensor) => device.upload(tensor)));
    const back = await Promise.all(handles.map((handle) => device.download(handle)));
    for (const [i, tensor] of tensors.entries())
      expect(Buffer.compare(bytesOf(back[i] as Tensor), bytesOf(tensor))).toBe(0);
  });

  test('takes large inputs of a run in order, after one that failed too', async () => {
    const session = await open().load(affineModel());
    const large = (seed: number): Tensor =>
      new Tensor(
        'float32',
        Float32Array.from({ length: seed * 50_000 }, (_, i) => i * seed),
        [seed, 50_000],
      );
    const [first, second] = [large(1), large(2)];
    const integers = new Tensor('int64', new BigInt64Array(20_000), [20_000]);
    await expect(
      device.run({
        inputs: { in: integers, first, second },
        steps: [{ session, ...STEP }],
        outputs: { out: 'download' },
      }),
    ).rejects.toMatchObject({ code: 'ERR_RUNTIME_RUN' });
    const outputs = { first: 'download', small: 'download', second: 'download' } as const;
    const { downloaded } = await device.run({ inputs: { second, small: VECTOR, first }, steps: [], outputs });
    for (const [name, tensor] of Object.entries({ first, second, small: VECTOR }))
      expect(Buffer.compare(bytesOf(downloaded[name] as Tensor), bytesOf(tensor))).toBe(0);
  });

  test('says which graph the runtime refused', async () => {
    await expect(open().load({ name: 'broken', bytes: Uint8Array.of(1, 2, 3) })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_LOAD',
      details: { segment: 'broken' },
    });
  });

  test('says which graph failed', async () => {
    const session = await open().load(affineModel());
    const wrong = new Tensor('int64', BigInt64Array.of(1n), [1]);
    await expect(
      device.run({ inputs: { in: wrong }, steps: [{ session, ...STEP }], outputs: { out: 'download' } }),
    ).rejects.toMatchObject({ code: 'ERR_RUNTIME_RUN', details: { segment: 'affine' } });
    const { downloaded } = await device.run({
      inputs: { in: VECTOR },
      steps: [{ session, ...STEP }],
      outputs: { out: 'download' },
    });
    expect(downloaded['out']?.dims).toEqual([3]);
  });

  test('stops between two steps when aborted, with the reason, and goes on working', async () => {
    const own = open();
    const large = new Tensor('float32', new Float32Array(100 * 100), [100, 100]);
    const reason = new Error('enough');
    const stepsOf = (session: number, length: number): Program['steps'] =>
      Array.from({ length }, () => ({ session, feeds: { x: 'in' }, results: { y: 'out' }, release: [] }));
    let [session, generation] = [0, 0];
    do {
      session = await own.load(slowModel(40));
      ({ generation } = own);
      const controller = new AbortController();
      const program = { inputs: { in: large }, steps: stepsOf(session, 2000), outputs: { out: 'download' as const } };
      const running = own.run(program, controller.signal);
      setTimeout(() => controller.abort(reason), 30);
      await expect(running).rejects.toBe(reason);
      await expect(own.run({ inputs: {}, steps: [], outputs: {} }, controller.signal)).rejects.toBe(reason);
      // A process that got no turn in time was ended, as one is that hangs: that is no answer.
    } while (own.generation !== generation);
    expect(await own.usage()).toEqual({ sessions: 1, tensors: 0 });
    await own.run({ inputs: { in: large }, steps: stepsOf(session, 1), outputs: { out: 'download' } });
  });

  test('refuses to work after it was disposed', async () => {
    await open().load(affineModel());
    await device.dispose();
    await device.dispose();
    await expect(device.load(affineModel())).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });
});

describe('ProcessDevice', () => {
  const open = (): ProcessDevice => {
    const own = new ProcessDevice({ provider: 'cpu' });
    device = own;
    return own;
  };

  test('turns the death of its process into an error, and starts a new one', async () => {
    const own = open();
    const session = await own.load(slowModel(40));
    const { generation, pid } = own;
    const large = new Tensor('float32', new Float32Array(1000 * 1000), [1000, 1000]);
    const steps = Array.from({ length: 100 }, () => ({
      session,
      feeds: { x: 'in' },
      results: { y: 'out' },
      release: [],
    }));
    const running = own.run({ inputs: { in: large }, steps, outputs: { out: 'download' } });
    setTimeout(() => process.kill(pid as number, 'SIGKILL'), 100);
    await expect(running).rejects.toMatchObject({ code: 'ERR_DEVICE_CRASHED', details: { reason: 'signal SIGKILL' } });
    expect(own.generation).toBeGreaterThan(generation);
    expect(await own.usage()).toEqual({ sessions: 0, tensors: 0 });
    expect(await own.load(affineModel())).toBeGreaterThan(0);
    expect(own.pid).not.toBe(pid);
  });

  test('says why its process died to the one call that meets it, and starts anew for the next, however early that comes', async () => {
    const own = open();
    for (let i = 0; i < 8; i++) {
      await own.upload(VECTOR);
      process.kill(own.pid as number, 'SIGKILL');
      // The process is gone, and its exit not yet told.
      const gone = performance.now() + i;
      while (performance.now() < gone);
      await expect(own.upload(VECTOR)).rejects.toMatchObject({
        code: 'ERR_DEVICE_CRASHED',
        details: { reason: 'signal SIGKILL' },
      });
    }
  });

  test('says of a session whose process died meanwhile that it died, and not that nobody knows it', async () => {
    const own = open();
    const session = await own.load(affineModel());
    const { generation } = own;
    process.kill(own.pid as number, 'SIGKILL');
    while (own.generation === generation) await sleep(5);
    const program = { inputs: { in: VECTOR }, steps: [{ session, ...STEP }], outputs: { out: 'download' as const } };
    const crashed = { code: 'ERR_DEVICE_CRASHED' };
    await expect(own.run(program)).rejects.toMatchObject(crashed);
    // Also where another one runs by now.
    await own.load(affineModel());
    await expect(own.run(program)).rejects.toMatchObject(crashed);
  });

  test('ends its process when aborted in the middle of a step that takes long', async () => {
    const own = open();
    const session = await own.load(slowModel(4000));
    const large = new Tensor('float32', new Float32Array(1000 * 1000), [1000, 1000]);
    const controller = new AbortController();
    const idle = processorTimeOfProcess(own.pid as number);
    const running = own.run(
      { inputs: { in: large }, steps: [{ session, ...STEP }], outputs: { out: 'download' } },
      controller.signal,
    );
    while (processorTimeOfProcess(own.pid as number) < idle + 300) await sleep(10);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(own.pid).toBeUndefined();
  });

  test('leaves no process behind', async () => {
    const own = open();
    await own.load(affineModel());
    const pid = own.pid as number;
    expect(own.memory()?.residentBytes).toBeGreaterThan(10 * 2 ** 20);
    await own.dispose();
    expect(isAlive(pid)).toBe(false);
    expect(own.memory()).toBeUndefined();
  });

  test('keeps the event loop free while it computes', async () => {
    const own = open();
    const session = await own.load(slowModel(40));
    const large = new Tensor('float32', new Float32Array(800 * 800), [800, 800]);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    await own.run({ inputs: { in: large }, steps: [{ session, ...STEP }], outputs: { out: 'download' } });
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });
});

test('an unknown provider is refused', () => {
  expect(() => createDevice({ provider: 'tpu' as 'cpu' })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
  );
});

function bytesOf(tensor: Tensor): Uint8Array {
  const data = tensor.data as Float32Array;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
