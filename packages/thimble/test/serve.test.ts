import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { testCheckpoint } from '@thimble/plugin-testkit';
import sharp from 'sharp';
import { CliRun, isRunning, runCli } from './support/CliRun.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { writeTinyLora } from './support/writeTinyLora.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const THIMBLE = join(ROOT, 'packages/thimble');
const TINY = `tiny=${testCheckpoint}`;
const folder = temporaryFolder();

async function addressOf(run: CliRun): Promise<string> {
  const [line] = (await once(run.process.stdout!, 'data')) as [Buffer];
  return line.toString().trim();
}

async function post(url: string, path: string, body: object): Promise<Response> {
  return fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

test('serves, and on SIGTERM finishes what it has, takes no more, and ends', async () => {
  const run = new CliRun(
    ['serve', '--model', TINY, '--port', '0', '--rate-limit', '0', '--memory-limit', '600MB', '--int8-weights'],
    folder,
  );
  const url = await addressOf(run);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const picture = post(url, '/v1/images/generations', { prompt: 'a cat', steps: 150 });
  for (let running = 0; running === 0;)
    ({ running } = (await (await fetch(`${url}/health`)).json()) as { running: number });
  run.process.kill('SIGTERM');
  const answer = await picture;
  expect([answer.status, ((await answer.json()) as { data: unknown[] }).data.length]).toEqual([200, 1]);
  const { code, stdout, stderr } = await run.result;
  expect([code, stdout]).toEqual([0, `${url}\n`]);
  expect(stderr).toMatch(
    /^thimble: serves tiny\n(?:.*\n)?thimble: finishes 1 jobs, and ends; once more ends it now\n$/,
  );
});

test('takes LoRAs that prompts name out of a folder, and no others', async () => {
  const loras = join(folder, 'loras');
  mkdirSync(loras);
  await writeTinyLora(join(loras, 'tiny.safetensors'));
  const run = new CliRun(['serve', '--model', TINY, '--port', '0', '--rate-limit', '0', '--lora-dir', 'loras'], folder);
  const url = await addressOf(run);
  const answer = async (prompt: string): Promise<{ data?: [{ b64_json: string }]; error?: object }> =>
    (await post(url, '/v1/images/generations', { prompt, steps: 1, seed: 5, size: '32x32' })).json() as never;
  const picture = async (prompt: string): Promise<Buffer> => {
    const [first] = (await answer(prompt)).data!;
    return sharp(Buffer.from(first.b64_json, 'base64')).raw().toBuffer();
  };
  expect(await (await fetch(`${url}/sdapi/v1/loras`)).json()).toMatchObject([{ name: 'tiny' }]);
  const plain = await picture('a fox');
  const strong = await picture('a fox<lora:tiny:4>');
  expect(strong).not.toEqual(plain);
  expect(await picture('a fox<lora:tiny:0>')).toEqual(plain);
  expect(await picture('a fox<lora:tiny:4>')).toEqual(strong);
  expect(await picture('a fox')).toEqual(plain);
  for (const name of ['none', '../loras/tiny'])
    expect(await answer(`a fox<lora:${name}:1>`)).toMatchObject({
      error: { code: 'ERR_ARGUMENT_INVALID', param: 'prompt', message: expect.stringContaining('LoRAs out of tiny') },
    });
  run.process.kill('SIGTERM');
  expect((await run.result).code).toBe(0);
});

test('ends at once at the second signal', async () => {
  const run = new CliRun(['serve', '--model', TINY, '--port', '0', '--max-steps', '900', '--rate-limit', '0'], folder);
  const url = await addressOf(run);
  const job = (await (await post(url, '/jobs', { prompt: 'a cat', steps: 900 })).json()) as { id: string };
  for (let step = 0; step === 0;)
    ({ step } = ((await (await fetch(`${url}/jobs/${job.id}`)).json()) as { progress: { step: number } }).progress);
  const { children } = run;
  expect(children).toHaveLength(1);
  run.process.kill('SIGTERM');
  while ((await fetch(`${url}/ready`)).status !== 503);
  run.process.kill('SIGINT');
  expect((await run.result).code).toBe(130);
  expect(children.filter(isRunning)).toEqual([]);
});

test('says what cannot be served', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  try {
    const port = String((taken.address() as AddressInfo).port);
    const [busy, open, twice, none] = await Promise.all([
      runCli(['serve', '--model', TINY, '--port', port], folder),
      runCli(['serve', '--model', TINY, '--host', '0.0.0.0'], folder),
      runCli(['serve', '--model', TINY, '--model', 'tiny=x'], folder),
      runCli(['serve'], folder),
    ]);
    expect(busy).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('ERR_SERVER_LISTEN') });
    expect(open).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('set a token (--token)') });
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('two models called tiny') });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("required option '-m, --model") });
  } finally {
    taken.close();
  }
});

test('without its package it says how to install it', async () => {
  const alone = join(folder, 'alone');
  mkdirSync(join(alone, 'node_modules/@thimble'), { recursive: true });
  for (const name of ['commander', 'import-meta-resolve', '@thimble/core', '@thimble/plugin-vae-tiling'])
    symlinkSync(join(THIMBLE, 'node_modules', name), join(alone, 'node_modules', name));
  for (const name of ['dist', 'package.json'])
    cpSync(join(THIMBLE, name), join(alone, 'thimble', name), { recursive: true });
  const args = [join(alone, 'thimble/dist/cli.js'), 'serve', '--model', 'x'];
  const failed = await new Promise<string>(
    (resolve) => void execFile(process.execPath, args, { cwd: alone }, (_error, _out, stderr) => resolve(stderr)),
  );
  expect(failed).toBe(
    'thimble: thimble serve is in a package of its own, which is not installed: npm install @thimble/server [ERR_SERVER_PACKAGE_NOT_FOUND]\n',
  );
});
