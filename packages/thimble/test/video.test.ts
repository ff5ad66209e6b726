import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { jsonLines, MODEL as PICTURES, runCli } from './support/CliRun.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const MODEL = fileURLToPath(new URL('../../core/test/fixtures/cogvideox-tiny', import.meta.url));
const FAST = ['--model', MODEL, '--size', '64x48', '--steps', '2'];

describe('thimble video', () => {
  const folder = temporaryFolder();

  test('writes an MP4 and prints its path alone', async () => {
    const { code, stdout, stderr } = await runCli(
      ['video', 'A panda plays!', ...FAST, '--frames', '9', '--seed', '5'],
      folder,
    );
    expect([code, stdout]).toEqual([0, 'out/a-panda-plays-5.mp4\n']);
    expect(readFileSync(join(folder, 'out/a-panda-plays-5.mp4')).toString('latin1', 4, 8)).toBe('ftyp');
    expect(stderr.match(/^step /gm)).toHaveLength(2);
    expect(stderr).toContain('1 video in');
  });

  test('tells a program of every frame, without its pixels, and keeps the files that are there', async () => {
    writeFileSync(join(folder, 'sea.gif'), 'mine');
    writeFileSync(join(folder, 'prompts.txt'), 'the sea\nthe sky\n');
    const { code, stdout } = await runMain(
      ['video', '--prompt-file', 'prompts.txt', ...FAST, '--frames', '17', '--seed', '1,2', '-o', 'sea.gif', '--json'],
      { cwd: folder },
    );
    expect(code).toBe(0);
    const events = jsonLines(stdout);
    expect(events.filter(({ type }) => type === 'frame')).toEqual(
      [0, 1]
        .flatMap((index) => Array.from({ length: 17 }, (_, frame) => ({ type: 'frame', index, frame })))
        .sort((a, b) => Number(a.frame >= 9) - Number(b.frame >= 9) || a.index - b.index),
    );
    expect(events.at(-1)).toMatchObject({ type: 'done', images: ['sea-2.gif', 'sea-3.gif'], videos: 2, seeds: [1, 2] });
    expect(readFileSync(join(folder, 'sea.gif'), 'utf8')).toBe('mine');
    expect(readFileSync(join(folder, 'sea-2.gif')).toString('latin1', 0, 3)).toBe('GIF');
  });

  test('and thimble generate say which of the two a model is for', async () => {
    const { code, stderr } = await runMain(['generate', 'x', '-m', MODEL], { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/makes videos: thimble video/)]);
  });

  test.each([
    ['a size that is no multiple of 16', [...FAST, '--size', '72x48'], 2, /multiple of 16/],
    ['a model of pictures', ['-m', PICTURES], 2, /makes pictures: thimble generate/],
    ['another format', [...FAST, '-o', 'x.avi'], 2, /videos are written as mp4, gif, webp/],
  ])('refuses %s and leaves nothing behind', async (_, args, exitCode, message) => {
    const before = readdirSync(folder);
    const { code, stderr } = await runMain(['video', 'x', ...args], { cwd: folder });
    expect([code, stderr]).toEqual([exitCode, expect.stringMatching(message)]);
    expect(readdirSync(folder)).toEqual(before);
  });
});
