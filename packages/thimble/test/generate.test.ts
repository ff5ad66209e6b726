import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Image } from '@thimble/core';
import { type CliResult, CliRun, isRunning, jsonLines, MODEL, runCli } from './support/CliRun.js';
import { readPng } from './support/readPng.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { writePackage } from './support/writePackage.js';

const FAST = ['--model', MODEL, '--size', '64x64', '--steps', '2'];

describe('thimble generate', () => {
  const folder = temporaryFolder();
  // Where it is not about the program as such, in this process.
  const inFolder = async (args: readonly string[]): Promise<CliResult> => runMain(args, { cwd: folder });

  test('writes a picture with its settings, prints the path alone, and tells progress in plain lines', async () => {
    const { code, stdout, stderr } = await runCli(['generate', 'A red apple!', ...FAST, '--seed', '5'], folder);
    expect(code).toBe(0);
    expect(stdout).toBe('out/a-red-apple-5.png\n');
    const { width, height, text } = readPng(join(folder, 'out/a-red-apple-5.png'));
    expect([width, height]).toEqual([64, 64]);
    expect(text).toContain('A red apple!');
    expect(text).toContain('Seed: 5');
    expect(stderr).toMatch(/^step 1\/2: .* left, memory \d+ \+ \d+ MB$/m);
    expect(stderr.match(/^step /gm)).toHaveLength(2);
    // oxlint-disable-next-line no-control-regex
    expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
    expect(stderr).toMatch(/peak memory: \d+ MB main process, \d+ MB device process/);
  });

  test('begins with a picture, and fills in where a mask is white', async () => {
    const path = join(folder, 'apple.png');
    const bytes = { width: 72, height: 64, data: Uint8Array.from({ length: 3 * 72 * 64 }, (_, i) => i % 256) };
    await new Image(bytes).save(path);
    const given = ['--model', MODEL, '--steps', '4', '--seed', '5', '--image', path];
    const from = await inFolder(['generate', 'green', ...given, '--strength', '0.5', '-o', 'green.png']);
    expect(from.stderr.match(/^step /gm)).toHaveLength(2);
    expect(readPng(join(folder, 'green.png'))).toMatchObject({ width: 72, height: 64 });
    const masked = await inFolder(['generate', 'x', ...given, '--mask', path, '-o', 'masked.png']);
    expect([from.code, masked.code, masked.stdout]).toEqual([0, 0, 'masked.png\n']);
    const wrong = await inFolder(['generate', 'x', ...given, '--strength', '2']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('a number above 0, to 1')]);
    const none = await inFolder(['generate', 'x', ...given.slice(0, -1), 'none.png']);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('none.png')]);
  });

  test('--prompt-weights reads brackets as weights; a LoRA in a prompt is refused by name', async () => {
    const pixels = async (file: string, ...args: readonly string[]): Promise<Uint8Array> => {
      const { code } = await inFolder(['generate', 'a (red:1.6) apple', ...FAST, '--seed', '5', ...args, '-o', file]);
      expect(code).toBe(0);
      return (await Image.open(join(folder, file))).data;
    };
    const weighed = await pixels('weighed.png', '--prompt-weights');
    expect(Buffer.compare(weighed, await pixels('brackets.png'))).not.toBe(0);
    const lora = await inFolder(['generate', 'a <lora:x:0.5> fox', ...FAST, '--prompt-weights', '-o', 'lora.png']);
    expect([lora.code, lora.stderr]).toEqual([1, expect.stringContaining('@thimble/plugin-lora')]);
  });

  test('tells a program everything as JSON, for a batch with previews, and keeps the files that are there', async () => {
    writeFileSync(join(folder, 'cat.webp'), 'mine');
    writeFileSync(join(folder, 'prompts.txt'), 'a cat\na dog\n');
    const args = [
      'generate',
      '--prompt-file',
      'prompts.txt',
      ...FAST,
      '--steps',
      '4',
      '--seed',
      '1,2',
      '--scheduler',
      'pndm',
      '--preview',
      'previews',
      '-o',
      'cat.webp',
      '--json',
    ];
    const { code, stdout, stderr } = await inFolder(args);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    const events = jsonLines(stdout);
    expect(events.filter(({ type }) => type === 'step').map(({ index, steps }) => [index, steps])).toEqual(
      Array.from({ length: 13 }, (_, index) => [index, 13]),
    );
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['load', 'model', 'memory', 'preview', 'decode']),
    );
    const done = events.at(-1) as Record<string, unknown>;
    expect(done).toMatchObject({ type: 'done', images: ['cat-2.webp', 'cat-3.webp'], seeds: [1, 2] });
    expect((done['timings'] as { steps: number[] }).steps).toHaveLength(13);
    expect(done).toHaveProperty('memory.peak.device.residentBytes', expect.any(Number));
    expect(readdirSync(join(folder, 'previews'))).toHaveLength(26);
    expect(readPng(join(folder, 'previews/step-001-image-1.png'))).toMatchObject({ width: 8, height: 8 });
  });

  test('--vae takes another VAE, and refuses a model that is none', async () => {
    const vae = join(MODEL, '../taesd/tiny4');
    const args = ['generate', 'x', ...FAST, '--steps', '1', '--seed', '1', '-o'];
    const small = await inFolder([...args, 'small.png', '--vae', vae]);
    expect([small.code, small.stdout]).toEqual([0, 'small.png\n']);
    expect(readPng(join(folder, 'small.png'))).toMatchObject({ width: 64, height: 64 });
    const { code, stderr } = await inFolder([...args, 'none.png', '--vae', join(MODEL, 'unet')]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/--vae is .*expected a vae, not a UNet2DConditionModel/);
  });

  test.each([
    ['--fp8', 'float8_e4m3fn'],
    ['--fp8=e5m2', 'float8_e5m2'],
    ['--int8-weights', 'int8'],
  ])('%s stores the weights once, with progress, and gives another picture', async (flag, target) => {
    const environment = process.env['THIMBLE_CACHE'];
    process.env['THIMBLE_CACHE'] = join(folder, 'cache');
    try {
      const args = ['generate', 'x', ...FAST, '--seed', '1', '-o', `${target}.png`, flag];
      const first = await inFolder(args);
      expect([first.code, first.stdout]).toEqual([0, `${target}.png\n`]);
      expect(first.stderr).toMatch(new RegExp(`^unet to ${target}: 100%`, 'm'));
      const second = await inFolder([...args, '--overwrite']);
      expect([second.code, second.stderr.includes(target)]).toEqual([0, false]);
      expect(
        readdirSync(join(folder, 'cache', 'weights')).filter((name) => !/\.(safetensors|json)$/.test(name)),
      ).toEqual([]);
    } finally {
      if (environment === undefined) delete process.env['THIMBLE_CACHE'];
      else process.env['THIMBLE_CACHE'] = environment;
    }
  });

  test('says nothing with --quiet, and survives a reader that leaves', async () => {
    const run = new CliRun(['generate', 'x', ...FAST, '-o', 'left/{index}.png', '--quiet'], folder);
    run.process.stdout?.destroy();
    await expect(run.result.catch(() => undefined)).resolves.toBeUndefined();
    if (run.process.exitCode === null) await new Promise((resolve) => run.process.once('exit', resolve));
    expect(run.process.exitCode).toBe(0);
    expect(existsSync(join(folder, 'left/1.png'))).toBe(true);
  });
});

describe('wrong input', () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  writePackage(folder, 'tools', 'export class Tool { run() {} } export const version = 1;');

  const cases: readonly (readonly [title: string, args: readonly string[], code: number, message: RegExp])[] = [
    ['no prompt', ['--model', MODEL], 2, /missing the prompt/],
    ['no model', ['x'], 2, /--model <path\|id>' not specified/],
    ['a misspelt option', ['x', ...FAST, '--stepz', '3'], 2, /Did you mean --steps\?/],
    [
      'an unknown model',
      ['x', '--model', './nowhere/at/all'],
      1,
      /"\.\/nowhere\/at\/all" was not found.*ERR_MODEL_NOT_FOUND/,
    ],
    ['a size that is none', ['x', ...FAST, '--size', 'wide'], 2, /--size.*Expected WIDTHxHEIGHT/],
    [
      'a size that does not fit',
      ['x', ...FAST, '--size', '60x64'],
      2,
      /width in --size is 60; expected a positive multiple of 8/,
    ],
    ['no steps', ['x', ...FAST, '--steps', '0'], 2, /--steps.*from 1/],
    ['too few seeds', ['x', ...FAST, '-n', '3', '--seed', '1,2'], 2, /--seed is \[1,2\]; expected/],
    [
      'an unknown scheduler',
      ['x', ...FAST, '--scheduler', 'magic'],
      2,
      /no scheduler "magic".*, ddim, .*, pndm, unipc/,
    ],
    [
      'an unknown scheduler, before a model is fetched',
      ['x', '-m', 'nobody/nothing', '--scheduler', 'magic'],
      2,
      /no scheduler "magic"/,
    ],
    ['a size, before a model is fetched', ['x', '-m', 'nobody/nothing', '--size', '60x64'], 2, /width in --size is 60/],
    ['steps, before a model is fetched', ['x', '-m', 'nobody/nothing', '--steps', '2000'], 2, /--steps is 2000/],
    [
      'a picture that is too large',
      ['x', ...FAST, '--size', '100000'],
      1,
      /100000×100000; the largest.* 11584×11584.*ERR_REQUEST_TOO_LARGE/,
    ],
    ['an unknown device', ['x', ...FAST, '--device', 'gpu'], 2, /--device is "gpu"; expected one of cpu/],
    [
      'a place that cannot be written',
      ['x', ...FAST, '-o', 'file/x.png'],
      1,
      /Cannot write "file\/x.png".*ERR_OUTPUT_UNWRITABLE/,
    ],
    [
      'options that are no JSON',
      ['x', ...FAST, '--use', 'tools:{"a":}'],
      2,
      /not valid JSON at character 6: expected a value/,
    ],
    [
      'a package without a plugin',
      ['x', ...FAST, '--use', 'tools'],
      2,
      /no class among its exports is a plugin.*Tool, version.*ERR_PLUGIN_EXPORT/,
    ],
    [
      'an unknown plugin package',
      ['x', ...FAST, '--use', 'not-there'],
      1,
      /npm install not-there.*ERR_PLUGIN_PACKAGE_NOT_FOUND/,
    ],
  ];

  test.each(cases)('%s', async (_title, args, code, message) => {
    const result = await runMain(['generate', ...args], { cwd: folder });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/\n {4}at /);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(readdirSync(folder)).not.toContain('out');
  });

  test('is one JSON line with --json', async () => {
    const failed = await runMain(['generate', 'x', ...FAST, '--size', '60x64', '--json'], { cwd: folder });
    expect(failed).toMatchObject({ code: 2, stderr: '' });
    expect(jsonLines(failed.stdout)).toEqual([
      { type: 'error', code: 'ERR_ARGUMENT_INVALID', message: expect.stringContaining('60') },
    ]);
    const misused = await runMain(['generate', '--json'], { cwd: folder });
    expect(misused).toMatchObject({ code: 2, stderr: '' });
    expect(jsonLines(misused.stdout)).toMatchObject([{ type: 'error', code: 'ERR_USAGE' }]);
  });
});

describe('plugins', () => {
  const folder = temporaryFolder();
  writePackage(
    folder,
    '@me/teller',
    `export class Teller {
    name = 'me:teller';
    constructor(options) { this.options = options; }
    apply(ctx) {
      ctx.hooks.afterStep.tap('tell', ({ index }) => ctx.pipeline.warn('WARN_TOLD', this.options.word + index));
    }
  }
  export default Teller;`,
  );
  const hang = (name: string, body: string): void =>
    writePackage(
      folder,
      name,
      `import { writeFileSync } from 'node:fs';
    export class Hanging { name = 'hanging'; apply(ctx) { ctx.hooks.afterStep.tap('hang', () => {
      writeFileSync(${JSON.stringify(join(folder, name))}, '');
      ${body}
    }); } }`,
    );
  hang('hanging', 'return new Promise((resolve) => setTimeout(resolve, 60_000));');
  hang('stuck', 'return new Promise(() => {});');
  hang('throwing', "setTimeout(() => { throw new RangeError('nobody catches this'); }); return new Promise(() => {});");

  test('come from the current folder, with their options', async () => {
    const { code, stdout } = await runCli(
      ['generate', 'x', ...FAST, '--json', '--use', '@me/teller:{"word":"step "}'],
      folder,
    );
    expect(code).toBe(0);
    expect(
      jsonLines(stdout)
        .filter(({ type }) => type === 'warning')
        .map(({ message }) => message),
    ).toEqual(['step 0', 'step 1']);
  });

  test.each([
    [
      'throw where nobody catches it',
      'throwing',
      { type: 'error', code: 'ERR_UNEXPECTED', message: expect.stringContaining('nobody catches this') },
    ],
    ['never finish', 'stuck', { type: 'error', code: 'ERR_NEVER_FINISHED' }],
  ])('that %s end the run', async (_title, name, expected) => {
    const { code, stdout } = await runCli(['generate', 'x', ...FAST, '--json', '--use', name], folder);
    expect(code).toBe(1);
    expect(jsonLines(stdout).at(-1)).toMatchObject(expected);
  });

  test('that hang are left behind by a second Ctrl-C, with the device', async () => {
    const run = new CliRun(['generate', 'x', ...FAST, '--json', '--use', 'hanging'], folder);
    await until(() => existsSync(join(folder, 'hanging')));
    const { children } = run;
    expect(children).toHaveLength(1);
    run.process.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(run.process.exitCode).toBeNull();
    // On a busy machine the first one may not have come yet; two of a kind that wait are one.
    await until(() => !hasPendingSignal(run.process.pid!));
    run.process.kill('SIGINT');
    expect((await run.result).code).toBe(130);
    await until(() => !children.some(isRunning));
  });
});

describe('stopping', () => {
  const home = temporaryFolder();

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the run and its process, with nothing left behind', async (signal, expected) => {
    const folder = join(home, signal);
    mkdirSync(folder);
    const run = new CliRun(['generate', 'x', ...FAST, '--steps', '900', '--json'], folder);
    await run.says('"type":"step"');
    const { children } = run;
    expect(children).toHaveLength(1);
    run.process.kill(signal);
    const { code, stdout } = await run.result;
    expect(code).toBe(expected);
    expect(jsonLines(stdout).at(-1)).toEqual({
      type: 'error',
      code: 'ERR_INTERRUPTED',
      message: `Stopped by ${signal}.`,
    });
    expect(children.filter(isRunning)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

function hasPendingSignal(pid: number): boolean {
  return !/^ShdPnd:\t0+$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

/** Waits until `holds`; the test's time limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
