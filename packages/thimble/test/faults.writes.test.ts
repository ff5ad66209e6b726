import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { DiffusionPipeline, Plugin } from '@thimble/core';
import { FaultyWrites } from './support/FaultyWrites.js';

jest.setTimeout(120_000);

// What is tested is bound to the writes that can fail.
const writes = await FaultyWrites.install();
const { Image, convertCheckpoint, DiffusionPipeline: Pipelines, isThimbleError } = await import('@thimble/core');
const { createTestPipeline, testCheckpoint } = await import('@thimble/plugin-testkit');
const { LayerwiseCastingPlugin } = await import('@thimble/plugin-fp8');
const { TracingPlugin, trace } = await import('@thimble/plugin-tracing');
const { Tensor } = await import('@thimble/core');

/** By URL: tests of packages share no modules. */
interface Hub {
  readonly endpoint: string;
  add(path: string, content: unknown): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const PIXELS = { width: 8, height: 8, data: new Uint8Array(192) };
/** What is left by halves, or for others to wait for. A download that broke off is gone on with, and a process says until its end that it uses a model: these are no rests. */
const RESTS = /\.tmp|\.lock$|^(?!cache.in-use).*\.lease$|thimble-/;

/** One layer of two is enough. */
const MOST_LAYERS = ['layers.1', 'mlp', 'embeddings', '[kvu]_proj'];
const OF_DISKS = /^ERR_(DISK_FULL|FILE_ACCESS)$/;
/** Of a plugin's failure the code is that of its cause. */
function codeOf(thrown: unknown): unknown {
  if (!isThimbleError(thrown)) return thrown;
  return thrown.code.startsWith('ERR_PLUGIN_') ? codeOf(thrown.cause) : thrown.code;
}

let root: string;
let pipe: DiffusionPipeline;
let expected: unknown;
/** The smallest model of the checkpoint is all that is needed: after each plugin its graphs are built anew. */
const encoded = async (): Promise<unknown> =>
  (await pipe.components['text_encoder']!.call({ input_ids: pipe.tokenizer.encode('a cat').input_ids }))
    .last_hidden_state!.data;
const namesIn = (folder: string): string[] => fs.readdirSync(folder, { recursive: true }).map(String).toSorted();

beforeAll(async () => {
  root = fs.mkdtempSync(join(tmpdir(), 'thimble-faults-'));
  process.env['TMPDIR'] = join(root, 'tmp');
  fs.mkdirSync(process.env['TMPDIR']);
  pipe = await createTestPipeline({ components: ['text_encoder', 'tokenizer'] });
  expected = await encoded();
});
afterAll(async () => {
  delete process.env['TMPDIR'];
  await pipe.dispose();
  writes[Symbol.dispose]();
  fs.rmSync(root, { recursive: true });
});

/** Does something again and again, in a new folder each time, with one write more that goes well. Gives how many writes it takes. */
async function failEach(
  act: (folder: string) => Promise<unknown>,
  check: (folder: string) => Promise<void> | void,
): Promise<number> {
  for (let n = 1; ; n++) {
    const folder = fs.mkdtempSync(join(root, 'case-'));
    writes.failAt(n, n % 2 === 0 ? 'EIO' : 'ENOSPC');
    const thrown: unknown = await act(folder).then(
      () => undefined,
      (error: unknown) => error,
    );
    const failed = writes.disarm();
    if (failed === undefined) {
      expect(thrown).toBeUndefined();
      return n - 1;
    }
    // Some writes nobody needs: when a file was used last, and the like.
    if (thrown !== undefined) expect([failed, codeOf(thrown)]).toEqual([failed, expect.stringMatching(OF_DISKS)]);
    expect([failed, ...namesIn(folder).filter((name) => RESTS.test(name)), ...namesIn(join(root, 'tmp'))]).toEqual([
      failed,
    ]);
    await check(folder);
    fs.rmSync(folder, { recursive: true });
  }
}

/** Uses a plugin for a run and removes it, whatever comes between. */
async function runWith(plugin: Plugin): Promise<void> {
  const handle = await pipe.use(plugin);
  try {
    await encoded();
  } finally {
    await pipe.remove(handle);
  }
}

const sameAgain = async (): Promise<void> => expect(await encoded()).toEqual(expected);

test('a picture is whole, or is not there', async () => {
  const path = (folder: string): string => join(folder, 'a.png');
  const count = await failEach(
    async (folder) => new Image(PIXELS).save(path(folder)),
    (folder) => expect(namesIn(folder)).toEqual([]),
  );
  expect(count).toBeGreaterThan(1);
});

test('a converted checkpoint is whole, or is not there', async () => {
  const count = await failEach(
    async (folder) =>
      convertCheckpoint(join(testCheckpoint, 'text_encoder'), join(folder, 'out'), {
        layout: 'diffusers',
        dtype: 'f16',
      }),
    (folder) => expect(namesIn(folder)).toEqual([]),
  );
  expect(count).toBeGreaterThan(4);
});

test('derived weights are whole, or made again by the next run', async () => {
  const cached = async (folder: string): Promise<void> => {
    process.env['THIMBLE_CACHE'] = folder;
    try {
      await runWith(new LayerwiseCastingPlugin({ components: ['text_encoder'], skipModulesPattern: MOST_LAYERS }));
    } finally {
      delete process.env['THIMBLE_CACHE'];
    }
  };
  const count = await failEach(cached, async (folder) => {
    await sameAgain();
    await cached(folder);
  });
  expect(count).toBeGreaterThan(10);
});

test('traces are whole, or made again by the next run', async () => {
  const traceInto = async (folder: string): Promise<void> =>
    runWith(new TracingPlugin({ dir: folder, components: ['text_encoder'] }));
  const others = join(root, 'traces');
  await traceInto(others);
  fs.rmSync(
    join(
      others,
      namesIn(others).find((name) => name.includes('pooler'))!,
    ),
    { recursive: true },
  );
  const traced = async (folder: string): Promise<void> => {
    fs.cpSync(others, folder, { recursive: true });
    await traceInto(folder);
  };
  const count = await failEach(traced, async (folder) => {
    await sameAgain();
    await traceInto(folder);
  });
  expect(count).toBeGreaterThan(4);
});

test.each([
  ['a folder', true],
  ['a temporary folder', false],
])('a trace in %s is whole, or is not there', async (_where, named) => {
  const ids = new Tensor('int64', new BigInt64Array(77), [1, 77]);
  const count = await failEach(
    async (folder) => {
      const traced = await trace(
        pipe.components['text_encoder']!,
        { input_ids: ids },
        named ? { dir: join(folder, 'a/b') } : {},
      );
      await traced[Symbol.asyncDispose]();
    },
    (folder) => expect(namesIn(folder)).toEqual([]),
  );
  expect(count).toBeGreaterThan(4);
  await sameAgain();
});

test('what was downloaded is whole, or gone on with', async () => {
  const { FakeHub } = (await import(new URL('../../core/test/weights/FakeHub.ts', import.meta.url).href)) as {
    readonly FakeHub: new () => Hub;
  };
  const hub = new FakeHub();
  for (const name of ['model_index.json', 'scheduler/scheduler_config.json'])
    hub.add(name, fs.readFileSync(join(testCheckpoint, name)));
  await hub.start();
  process.env['HF_ENDPOINT'] = hub.endpoint;
  const download = async (folder: string): Promise<void> => {
    Object.assign(process.env, { HF_HOME: join(folder, 'hf'), THIMBLE_CACHE: join(folder, 'cache') });
    const opened = await Pipelines.fromPretrained('owner/tiny', { components: ['scheduler'] });
    await opened.dispose();
  };
  try {
    const count = await failEach(download, download);
    expect(count).toBeGreaterThan(6);
  } finally {
    for (const name of ['HF_ENDPOINT', 'HF_HOME', 'THIMBLE_CACHE']) delete process.env[name];
    await hub.stop();
  }
});
