import { readFileSync, readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createDevice } from '../../src/device/createDevice.js';
import { ProcessDevice } from '../../src/device/ProcessDevice.js';
import { DEVICES } from '../../src/extension/tokens.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { FromPretrainedOptions } from '../../src/pipelines/FromPretrainedOptions.js';
import { fixturePath } from '../support/fixturePath.js';

const MODEL = fixturePath('sd-tiny');
const TINY = { width: 64, height: 64, numInferenceSteps: 1, seed: 1, outputType: 'latent' } as const;
let pipe: DiffusionPipeline | undefined;

async function open(options: FromPretrainedOptions = {}): Promise<DiffusionPipeline> {
  pipe = await DiffusionPipeline.fromPretrained(MODEL, { deviceOptions: { threads: 1 }, ...options });
  return pipe;
}

/** Process numbers of what this program has started and what has not ended. */
function children(): readonly string[] {
  const lists = readdirSync('/proc/self/task').map((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8'));
  return lists.flatMap((list) => list.trim().split(' ')).filter((pid) => pid !== '');
}

afterEach(async () => {
  await pipe?.dispose();
  pipe = undefined;
});

describe("the device's process", () => {
  test('is started while a checkpoint is opened, is the one that computes, and ends with the pipeline', async () => {
    const { device } = await open();
    const { pid, generation } = device as ProcessDevice;
    expect(children()).toContain(String(pid));
    await pipe!.generate('a cat', TINY);
    expect({ pid: (device as ProcessDevice).pid, generation: device.generation }).toEqual({ pid, generation });
    await pipe!.dispose();
    expect(children()).not.toContain(String(pid));
  });

  test('is gone when opening fails', async () => {
    const before = children();
    const opening = open({ components: { vae: `${MODEL}/nothing.safetensors` } });
    await expect(opening).rejects.toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' });
    expect(children()).toEqual(before);
  });

  test.each<[string, FromPretrainedOptions]>([
    ['where parts are asked for by their names', { components: ['tokenizer', 'unet'] }],
    ['of a device in this process', { deviceOptions: { inline: true } }],
  ])('is not started %s', async (_, options) => {
    const before = children();
    await open(options);
    expect(children()).toEqual(before);
  });

  test("of a plugin's device is the plugin's own matter", async () => {
    const before = children();
    let made: ProcessDevice | undefined;
    const make = (): ProcessDevice => {
      made = createDevice({ provider: 'cpu' }) as ProcessDevice;
      return made;
    };
    await open({
      device: 'cpu',
      deviceOptions: undefined,
      plugins: [{ name: 'test:device', apply: (ctx) => void ctx.provide(DEVICES, { cpu: make }) }],
    });
    expect(made).toBe(pipe!.device);
    expect(children()).toEqual(before);
  });

  test('that a device is disposed of while it starts ends at once, and none comes after', async () => {
    const before = children();
    const device = new ProcessDevice({ provider: 'cpu' });
    device.start();
    expect(device.pid).toBeDefined();
    await device.dispose();
    device.start();
    expect(device.pid).toBeUndefined();
    expect(children()).toEqual(before);
  });

  test('that dies before the first call is replaced by that call', async () => {
    const device = new ProcessDevice({ provider: 'cpu' });
    try {
      device.start();
      process.kill(device.pid as number, 'SIGKILL');
      while (device.pid !== undefined) await new Promise(setImmediate);
      await device.createRows({ type: 'float32', outer: 1, rows: 1, inner: 1 } as never).catch(() => undefined);
      expect(device.pid).toBeDefined();
    } finally {
      await device.dispose();
    }
  });
});

describe("the UNet's sessions", () => {
  /** Whether they are made before the text encoder's first call is over, which waits for them until `enough`. */
  async function loadedDuringEncoding(): Promise<readonly string[]> {
    const seen: string[] = [];
    const graphs = new Map<string, number>();
    let tellLoaded = (): void => undefined;
    const loaded = new Promise<void>((resolve) => {
      tellLoaded = resolve;
    });
    pipe!.hooks.transformGraph.tap('test:count', (graph, { component, segment }) => {
      const key = `${component} ${segment}`;
      graphs.set(key, (graphs.get(key) ?? 0) + 1);
      return graph;
    });
    pipe!.hooks.afterModelCall.tap('test:wait', async ({ component }) => {
      if (component === 'text_encoder' && !seen.includes('load unet')) await loaded;
    });
    pipe!.hooks.beforeStep.tap('test:step', () => void seen.push('step'));
    for await (const event of pipe!.stream('a cat', TINY)) {
      if (event.type !== 'load') continue;
      seen.push(`load ${event.component}`);
      if (event.component === 'unet') tellLoaded();
    }
    expect(new Set(graphs.values())).toEqual(new Set([1]));
    return seen;
  }

  test('are made while the text encoder computes, each of its graphs once', async () => {
    await open();
    expect(await loadedDuringEncoding()).toEqual(['load text_encoder', 'load unet', 'step']);
  });

  test.each<[string, FromPretrainedOptions, (pipe: DiffusionPipeline) => void]>([
    ['under a memory limit without room for them', { memoryLimit: '256MB' }, () => undefined],
    [
      'where a plugin sees the segments',
      {},
      ({ hooks }) => void hooks.beforeSegment.tap('test:segment', () => undefined),
    ],
    [
      'where a plugin may change the calls',
      {},
      ({ hooks }) => void hooks.beforeModelCall.tap('test:call', () => undefined),
    ],
  ])('are made at its call %s', async (_, options, tap) => {
    await open(options);
    tap(pipe!);
    const order: string[] = [];
    pipe!.hooks.transformGraph.tap('test:order', (graph, { component }) => {
      if (order.at(-1) !== component) order.push(component);
      return graph;
    });
    pipe!.hooks.beforeStep.tap('test:order', () => void order.push('step'));
    await pipe!.generate('a cat', TINY);
    expect(order).toEqual(['text_encoder', 'step', 'unet']);
  });

  test('that fail to be made ahead fail at the call', async () => {
    await open();
    let calls = 0;
    pipe!.hooks.transformGraph.tap('test:fail', (graph, { component }) => {
      if (component !== 'unet') return graph;
      calls++;
      throw new TypeError('not this one');
    });
    await expect(pipe!.generate('a cat', TINY)).rejects.toMatchObject({
      message: expect.stringContaining('not this one'),
    });
    expect(calls).toBeGreaterThan(0);
  });

  test('are made ahead without a change to the picture', async () => {
    await open();
    const ahead = await pipe!.generate('a cat', TINY);
    await pipe!.dispose();
    await open();
    pipe!.hooks.beforeModelCall.tap('test:call', () => undefined);
    const atCall = await pipe!.generate('a cat', TINY);
    expect(ahead.images.data).toEqual(atCall.images.data);
  });
});
