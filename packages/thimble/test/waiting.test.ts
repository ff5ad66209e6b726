import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { CliRun } from './support/CliRun.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const MODEL = fileURLToPath(new URL('../../plugin-testkit/checkpoint', import.meta.url));
/** Far longer than any of these takes, and far less than for ever. */
const LONGEST_MS = 50_000;

describe('what could be waited for without end is refused', () => {
  const folder = temporaryFolder();
  const pipe = join(folder, 'pipe.safetensors');
  execFileSync('mkfifo', [pipe]);
  mkdirSync(join(folder, 'piped'));
  execFileSync('mkfifo', [join(folder, 'piped', 'model_index.json')]);
  const generate = (...args: string[]): string[] => ['generate', 'x', '--steps', '1', '-q', ...args];

  test.each([
    ['a file of /proc as the model', generate('-m', '/proc/kmsg'), /ERR_\w+/],
    ['a pipe as the model', generate('-m', pipe), /ERR_\w+/],
    ['a pipe in a model', generate('-m', join(folder, 'piped')), /ERR_\w+/],
    ['a pipe as the VAE', generate('-m', MODEL, '--vae', pipe), /ERR_\w+/],
    [
      'a file of /proc as the picture',
      generate('-m', MODEL, '--strength', '1', '--image', '/proc/kmsg'),
      /ERR_IMAGE_DECODE/,
    ],
    ['a file of /proc to inspect', ['inspect', '/proc/kmsg'], /ERR_\w+/],
    ['a place below /proc for traces', generate('-m', MODEL, '--trace', '/proc/none'), /ERR_\w+/],
  ])('%s', async (_, args, message) => {
    const run = new CliRun(args, folder);
    const timer = setTimeout(() => run.process.kill('SIGKILL'), LONGEST_MS);
    const { code, stderr } = await run.result;
    clearTimeout(timer);
    expect([code === 0 || code === null, stderr]).toEqual([false, expect.stringMatching(message)]);
    expect(stderr).not.toContain('ERR_UNEXPECTED');
  });

  test.each([
    ['a folder of /proc as the model', generate('-m', '/proc/self'), /ERR_LINK_OUTSIDE/],
    ['what /proc does not have as the model', generate('-m', '/proc/none/model'), /ERR_MODEL_NOT_FOUND/],
    ['a place below /proc for pictures', generate('-m', MODEL, '-o', '/proc/none/x.png'), /ERR_OUTPUT_UNWRITABLE/],
    ['a place below /proc for a report', ['schedulers', '--svg', '/proc/none/x.svg'], /ERR_OUTPUT_UNWRITABLE/],
  ])('%s', async (_, args, message) => {
    const { code, stderr } = await runMain(args, { cwd: folder });
    expect([code === 0, stderr]).toEqual([false, expect.stringMatching(message)]);
  });
});
