import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compileNatively } from '../../../tools/compileNatively.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MODEL = join(ROOT, 'packages/plugin-testkit/checkpoint');
const run = promisify(execFile);

/** Blocks that are files: ```ts NAME. */
const filesOf = (page: string): readonly (readonly [string, string])[] =>
  [...readFileSync(join(ROOT, 'docs', page), 'utf8').matchAll(/^```ts (\S+)\n(.*?)^```$/gms)].map(
    ([, name, text]) => [name as string, text as string] as const,
  );

/** What of Electron the recipe uses; the package itself would bring a browser. */
const ELECTRON = `declare module 'electron' {
  export const app: { on(event: 'window-all-closed', listener: () => void): void; whenReady(): Promise<void>; quit(): void };
  export const ipcMain: { handle(channel: string, listener: (event: unknown, ...args: any[]) => unknown): void };
  export class BrowserWindow { loadFile(path: string): Promise<void> }
}`;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-guides-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  const files = [
    ...filesOf('serving.md'),
    ...filesOf('server.md'),
    ...filesOf('bundlers.md'),
    ...filesOf('worker-threads.md'),
    ['electron.d.ts', ELECTRON] as const,
  ];
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    types: ['node'],
  };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: files.map(([name]) => name) }));
  await compileNatively(folder);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(['fastify', 'express'])('the service with %s', (name) => {
  let server: ChildProcess;
  let url: string;
  beforeAll(async () => {
    server = spawn(process.execPath, [`${name}.js`], {
      cwd: folder,
      env: { ...process.env, MODEL, PORT: '0', NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string];
    url = line.replace('[::1]', '127.0.0.1').replace('localhost', '127.0.0.1');
  });
  afterAll(() => void server.kill('SIGKILL'));

  const picture = 'numInferenceSteps=1&width=64&height=64';
  const ask = async (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}${path}`, init);

  test('gives a picture', async () => {
    const answer = await ask(`/picture?prompt=a+cat&seed=1&${picture}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(new Uint8Array(await answer.arrayBuffer()).subarray(1, 4)).toEqual(Uint8Array.of(80, 78, 71));
  });

  test.each([
    [400, 'ERR_ARGUMENT_INVALID', '/picture?prompt=a&numInferenceSteps=0'],
    [400, 'ERR_ARGUMENT_INVALID', '/picture'],
    [413, 'ERR_REQUEST_TOO_LARGE', '/picture?prompt=a&width=100000&height=64'],
    [413, 'ERR_REQUEST_TOO_LARGE', '/events?prompt=a&width=100000&height=64'],
    [413, 'ERR_REQUEST_TOO_LARGE', `/picture?prompt=${'a'.repeat(2001)}`],
  ])('answers with %i and %s', async (status, code, path) => {
    const answer = await ask(path);
    expect([answer.status, await answer.json()]).toEqual([status, { code, message: expect.any(String) }]);
  });

  test('tells of each step as an event, and gives the picture with the last', async () => {
    const answer = await ask(`/events?prompt=a+cat&seed=1&${picture.replace('=1', '=2')}`);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const events = (await answer.text())
      .trim()
      .split('\n\n')
      .map((event) => event.split('\n')[0]);
    expect(events).toEqual(['event: step', 'event: step', 'event: done']);
  });

  test('ends the run of a client that goes away', async () => {
    const gone = new AbortController();
    const large = '/events?prompt=a+cat&numInferenceSteps=50&width=512&height=512';
    const answer = await ask(large, { signal: gone.signal });
    const started = performance.now();
    await answer.body!.getReader().read();
    const step = performance.now() - started;
    gone.abort();
    expect((await ask(`/picture?prompt=a+dog&${picture}`)).status).toBe(200);
    expect(performance.now() - started - step).toBeLessThan(10 * step + 5000);
    expect(await (await ask('/health')).json()).toEqual({ pending: 0 });
  });

  test('told to end, gives the picture that it is at, and ends', async () => {
    const last = ask(`/events?prompt=a+cat&${picture.replace('=1', '=20')}`);
    const answer = await last;
    server.kill('SIGTERM');
    expect(await answer.text()).toContain('event: done');
    const [code] = (server.exitCode === null ? await once(server, 'exit') : [server.exitCode]) as [number];
    expect(code).toBe(0);
    await expect(ask('/health')).rejects.toThrow('fetch failed');
  });
});

test('a worker thread draws what it is asked for, and ends', async () => {
  const { stdout } = await run(process.execPath, ['main-thread.js'], {
    cwd: folder,
    env: { ...process.env, MODEL, NODE_TEST_CONTEXT: undefined },
  });
  expect(stdout).toMatch(/^a picture of \d+ bytes\n$/);
});

test("the device's process runs as Electron starts it", async () => {
  const script = `import { DiffusionPipeline } from '@thimble/core';
    const pipe = await DiffusionPipeline.fromPretrained(process.argv[1]);
    await pipe.generate('a cat', { numInferenceSteps: 1, width: 64, height: 64, outputType: 'latent' });
    const { readFileSync } = await import('node:fs');
    const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ');
    console.log(readFileSync('/proc/' + children[0] + '/environ', 'utf8').split('\\0').find((line) => line.startsWith('ELECTRON')));
    await pipe.dispose();`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script, MODEL], { cwd: folder });
  expect(stdout.trim()).toBe('ELECTRON_RUN_AS_NODE=1');
});
