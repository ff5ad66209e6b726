import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const MODEL = fileURLToPath(new URL('../../plugin-testkit/checkpoint', import.meta.url));
const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
const FAST = ['-m', MODEL, '--steps', '1', '--guidance', '1', '-q'];

describe('prompts', () => {
  const cwd = temporaryFolder();

  test('several arguments are one prompt, and a notice says so', async () => {
    const { code, stdout, stderr } = await runMain(
      ['generate', 'a', 'red', 'fox', ...FAST.slice(0, -1), '--seed', '1'],
      { cwd },
    );
    expect([code, stdout]).toEqual([0, 'out/a-red-fox-1.png\n']);
    expect(stderr).toMatch(/3 arguments were read as one prompt, "a red fox".*WARN_PROMPT_JOINED/);
  });

  test('a file has one on each line, and - is the standard input', async () => {
    writeFileSync(join(cwd, 'prompts.txt'), '\uFEFFa cat\r\n\n  a dog  \n');
    const file = await runMain(['generate', '--prompt-file', 'prompts.txt', ...FAST, '--seed', '2'], { cwd });
    expect([file.code, file.stdout]).toEqual([0, 'out/a-cat-2.png\nout/a-dog-2.png\n']);
    const input = await runMain(['generate', '-', ...FAST, '--seed', '3'], { cwd, input: 'a cat\nin the sun\n' });
    expect([input.code, input.stdout]).toEqual([0, 'out/a-cat-in-the-sun-3.png\n']);
  });

  test.each([
    ['no prompts', [], '', 2, /missing the prompt.*--prompt-file.*ERR_USAGE/],
    ['two sources of them', ['x', '--prompt-file', '-'], 'y', 2, /not both/],
    ['an empty input', ['-'], '\n', 2, /the standard input has no prompt/],
    ['a file that is not there', ['--prompt-file', 'no'], '', 1, /from "no": there is no such file.*ERR_PROMPT/],
    ['a file without end', ['--prompt-file', '/dev/zero'], '', 1, /more than 1 MiB/],
  ])('%s are refused', async (_, args, input, exitCode, message) => {
    const { code, stderr } = await runMain(['generate', ...args, ...FAST], { cwd, input });
    expect([code, stderr]).toEqual([exitCode, expect.stringMatching(message)]);
  });
});

describe('outputs', () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, 'cat-1.png'));
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stderr, stdout } = await runMain(['generate', 'cat', '-m', './not/there/at/all', ...args], { cwd });
    expect([code === 0, stdout]).toEqual([false, '']);
    return stderr;
  };

  test('- is the standard output, which then holds the picture and nothing else', async () => {
    const { code, stdout } = await runMain(['generate', 'cat', ...FAST, '-o', '-', '--format', 'jpg'], { cwd });
    expect([code, stdout.slice(0, 3)]).toEqual([0, '\xFF\xD8\xFF']);
    expect(readdirSync(cwd)).toEqual(['cat-1.png']);
    expect(await refused('-o', '-', '-n', '2')).toMatch(/--output - takes one file, and 2 are asked for/);
    expect((await runMain(['generate', 'cat', ...FAST, '-o', '-', '--json'], { cwd })).stdout).toMatch(
      /drop one of them/,
    );
  });

  test.each([
    ['a name that is too long', ['-o', `${'a'.repeat(260)}.png`], /264 bytes.*255/],
    ['a pattern whose name is', ['-o', `{prompt}${'あ'.repeat(84)}.png`], /Cannot write.*255/],
    ['a folder in the way', ['--overwrite', '--seed', '1', '-o', '{prompt}-{seed}.png'], /"cat-1.png": a folder has/],
    ['a WebP that is too wide', ['--size', '16384x8', '-o', 'w.webp'], /webp file holds at most 16383/],
    ['an extension of something else', ['-o', 'cat.tiff'], /pictures are written as png, webp, jpg/],
    ['a report that is no SVG', ['--memory-report', 'memory.png'], /is SVG; end the name in \.svg/],
    ['a place below /proc', ['-o', '/proc/cats/cat.png'], /Cannot write "\/proc\/cats\/cat.png"/],
    ['previews below /proc', ['--preview', '/proc/cats'], /Cannot write "\/proc\/cats/],
  ])('%s is refused before the model is looked for', async (_, args, message) => {
    expect(await refused(...args)).toMatch(message);
  });

  test('a long name that can be is written, also again', async () => {
    const args = ['generate', 'cat', ...FAST, '-o', `${'a'.repeat(251)}.png`];
    for (const more of [[], ['--overwrite'], []]) expect((await runMain([...args, ...more], { cwd })).code).toBe(0);
    expect(
      readdirSync(cwd)
        .filter((name) => name.startsWith('aaa'))
        .map((name) => name.length),
    ).toEqual([255, 255]);
  });

  test('a video is not tiled by what makes pictures alone', async () => {
    const { code, stderr } = await runMain(['video', 'x', '-m', MODEL, '--vae-tiling', 'seamless'], { cwd });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/Allowed choices are auto, blend/)]);
  });

  test.each([[[]], [['--json']]])('a standard output that is full is a failure: %j', (more) => {
    const line = `"${process.execPath}" "${CLI}" schedulers ddim ${more.join(' ')} > /dev/full`;
    let failure: { status?: number; stderr?: Buffer } = {};
    try {
      execFileSync('bash', ['-c', line], { stdio: 'pipe' });
    } catch (error) {
      failure = error as typeof failure;
    }
    expect(failure.status).toBe(1);
    expect(String(failure.stderr)).toMatch(
      /^thimble: Cannot write to the standard output: the disk is full.*ERR_STDOUT/,
    );
  });
});

describe('--seed', () => {
  const cwd = temporaryFolder();
  const draw = async (seed: string): Promise<Buffer> => {
    const { code } = await runMain(['generate', 'x', ...FAST, '--seed', seed, '-o', 'x.png', '--overwrite'], { cwd });
    expect(code).toBe(0);
    return readFileSync(join(cwd, 'x.png'));
  };

  test('of 64 bits draws as its low 32 bits, -1 is random, and what is no seed is refused', async () => {
    expect(await draw('6687881544318117707')).toEqual(await draw('2767775563'));
    expect(await draw('-1')).not.toEqual(await draw('-1'));
    for (const seed of ['1.5', 'x', '18446744073709551616'])
      expect(await runMain(['generate', 'x', ...FAST, '--seed', seed], { cwd })).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/--seed.*2\^64/s),
      });
    expect(existsSync(join(cwd, 'out'))).toBe(false);
  });
});
