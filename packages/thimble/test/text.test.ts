import { describe, expect, test } from '@jest/globals';
import { fileNameOf } from '../src/generate/fileNameOf.js';
import { FILE_FORMATS, type FileFormat } from '../src/generate/FileFormat.js';
import { type OutputNaming, outputNaming } from '../src/generate/OutputNaming.js';
import { fieldOptions, givenOptions } from '../src/generate/fieldOptions.js';
import { parseOptionSetting } from '../src/generate/parseOptionSetting.js';
import { pictureFields, videoFields } from '../src/runFields.js';
import { parseSize } from '../src/generate/parseSize.js';
import { formatBytes, formatCount, formatDuration, formatMemory } from '../src/progress/quantities.js';
import { parsePluginSpec } from '../src/plugins/parsePluginSpec.js';
import { pickPluginClass } from '../src/plugins/pickPluginClass.js';
import { oneLine, progressLine } from '../src/progress/progressLine.js';
import { StepClock } from '../src/progress/StepClock.js';

const MB = 2 ** 20;

describe('what people read', () => {
  test('bytes, durations and counts', () => {
    expect([0, 999, 1024, 84 * MB, 1023.6 * MB, 1.7 * 1024 * MB].map(formatBytes)).toEqual([
      '0 bytes',
      '999 bytes',
      '1.0 KB',
      '84 MB',
      '1.0 GB',
      '1.7 GB',
    ]);
    expect([0, 420, 996, 3210, 9960, 42_000, 59_700, 200_000, 3_900_000].map(formatDuration)).toEqual([
      '0.00 s',
      '0.42 s',
      '1.0 s',
      '3.2 s',
      '10 s',
      '42 s',
      '1 min 0 s',
      '3 min 20 s',
      '1 h 5 min',
    ]);
    expect([0, 999, 1000, 859_520_964].map(formatCount)).toEqual(['0', '999', '1.0 k', '859.5 M']);
  });

  test('memory of two processes, in one unit or two', () => {
    const memory = (bytes: number): { residentBytes: number; anonymousBytes: number; fileBytes: number } => ({
      residentBytes: bytes,
      anonymousBytes: 0,
      fileBytes: 0,
    });
    expect(formatMemory({ loaded: {}, main: memory(84 * MB), device: memory(412 * MB) })).toBe('memory 84 + 412 MB');
    expect(formatMemory({ loaded: {}, main: memory(84 * MB), device: memory(4.1 * 1024 * MB) })).toBe(
      'memory 84 MB + 4.1 GB',
    );
    expect(formatMemory({ loaded: {}, main: memory(84 * MB) })).toBe('memory 84 MB');
  });

  test('a progress line fits the terminal, and loses the least important first', () => {
    const line = { label: 'step 12/20', share: 0.6, fields: ['3.2 s left', '0.42 s/step', 'memory 84 + 412 MB'] };
    expect(progressLine(line, 80)).toBe(
      'step 12/20 ██████████████░░░░░░░░░  3.2 s left  0.42 s/step  memory 84 + 412 MB',
    );
    for (let width = 1; width < 120; width++) expect(progressLine(line, width).length).toBeLessThan(Math.max(2, width));
    expect(progressLine(line, 45)).toBe('step 12/20 █████░░░  3.2 s left  0.42 s/step');
    expect(progressLine({ label: 'opening', fields: ['memory 1 MB'] }, 40)).toBe('opening  memory 1 MB');
  });

  test('the time left goes by all steps but the first', () => {
    const clock = new StepClock();
    expect(clock.left(3)).toBeUndefined();
    clock.step(5000, 5000);
    expect(clock.left(2, 5000)).toBe(10_000);
    clock.step(1000, 6000);
    expect([clock.perStep, clock.left(3, 6500), clock.left(1, 9000)]).toEqual([1000, 2500, 0]);
  });

  test('text from outside cannot move the cursor', () => {
    expect(oneLine('a\u001b[2Jb\r\n c')).toBe('a [2Jb c');
    expect(oneLine('a long title', 8)).toBe('a long …');
  });
});

describe('what people write', () => {
  const naming = (output: string | undefined, format?: FileFormat): OutputNaming<FileFormat> =>
    outputNaming(output, format, FILE_FORMATS, 'pictures');

  test('names of files', () => {
    const label = { prompt: 'A red apple, on blue!', seed: 7, index: 2 };
    expect(naming(undefined).pathOf(label)).toBe('out/a-red-apple-on-blue-7.png');
    expect(naming('pictures/', 'webp').pathOf(label)).toBe('pictures/a-red-apple-on-blue-7.webp');
    expect(naming('new/folder').pathOf(label)).toBe('new/folder/a-red-apple-on-blue-7.png');
    expect(naming('x.JPEG', 'jpg')).toMatchObject({ format: 'jpg' });
    expect(naming('{index}/{prompt} {seed}.png').pathOf(label)).toBe('2/a-red-apple-on-blue 7.png');
    expect(() => naming('')).toThrow('--output is empty');
    expect(() => naming('x.bmp')).toThrow('png, webp, jpg');
    expect(() => naming('x.png', 'webp')).toThrow('asks for png, and --format for webp');
    expect(() => naming('{name}.png')).toThrow('there is no {name}; there are {prompt}, {seed}, {index}');
  });

  test('prompts in file names: any script, no separators, never long, never nothing', () => {
    expect(fileNameOf('../../etc/passwd')).toBe('etc-passwd');
    expect(fileNameOf('Ein Übermaß an Äpfeln; りんご')).toBe('ein-übermaß-an-äpfeln-りんご');
    expect(fileNameOf('!?')).toBe('image');
    expect(fileNameOf('word '.repeat(50)).length).toBeLessThanOrEqual(60);
    expect(fileNameOf('x'.repeat(200))).toBe('x'.repeat(30));
  });

  test('sizes and seeds', () => {
    expect([parseSize('512x768'), parseSize('64')]).toEqual([
      { width: 512, height: 768 },
      { width: 64, height: 64 },
    ]);
    for (const bad of ['', 'x', '1x', '1x2x3', '-1x2', '1.5x2']) expect(() => parseSize(bad)).toThrow('WIDTHxHEIGHT');
    const seed = fieldOptions(pictureFields)['seed'];
    const parseSeeds = (text: string): unknown => seed?.parseArg?.(text, undefined);
    expect([parseSeeds('7'), parseSeeds('-1'), parseSeeds('1, 2')]).toEqual([7, -1, [1, 2]]);
    for (const bad of ['', '1,', 'one', '1.5', '1e400']) expect(() => parseSeeds(bad)).toThrow('an integer');
  });

  test("flags of a pipeline's fields, and what they gave", () => {
    const flags = fieldOptions(videoFields);
    expect(flags['numFrames']).toMatchObject({
      long: '--frames',
      description: expect.stringContaining("the model's own"),
    });
    expect(flags['useDynamicCfg']?.attributeName()).toBe('dynamicGuidance');
    expect(flags['latents']).toBeUndefined();
    expect(givenOptions(videoFields, { frames: 9, dynamicGuidance: true, quality: 3 })).toEqual({
      numFrames: 9,
      useDynamicCfg: true,
    });
  });

  test('options of a run, NAME=VALUE', () => {
    expect(parseOptionSetting('a=b=c')).toEqual({ name: 'a', text: 'b=c' });
    for (const bad of ['', 'a', '=1']) expect(() => parseOptionSetting(bad)).toThrow('NAME=VALUE');
  });

  test.each([
    ['name', { package: 'name' }],
    ['@me/name:{"a":":#"}', { package: '@me/name', options: '{"a":":#"}' }],
    ['name/sub#Export:{}', { package: 'name/sub', export: 'Export', options: '{}' }],
    ['./local.mjs#Export', { package: './local.mjs', export: 'Export' }],
    ['C:\\plugins\\x.mjs:{}', { package: 'C:\\plugins\\x.mjs', options: '{}' }],
    ['file:///x.mjs:{}', { package: 'file:///x.mjs', options: '{}' }],
  ])('a plugin as %s', (text, expected) => expect(parsePluginSpec(text)).toEqual(expected));

  test.each(['', '#Export', ':{}', 'name#'])('no plugin as "%s"', (text) =>
    expect(() => parsePluginSpec(text)).toThrow('Expected PACKAGE'),
  );

  test('which class of a package is meant', () => {
    class One {
      name = 'one';
      apply(): void {
        /* nothing to do */
      }
    }
    class Two extends One {}
    class Tool {}
    const pick = (exports: Record<string, unknown>, wanted?: string): unknown =>
      pickPluginClass(exports, { package: 'p', ...(wanted === undefined ? {} : { export: wanted }) });
    expect(pick({ default: One, One, Tool, version: 1, helper: () => undefined })).toEqual({ name: 'One', Class: One });
    expect(pick({ One, Two }, 'Two')).toEqual({ name: 'Two', Class: Two });
    expect(() => pick({ One, Two })).toThrow(
      "more than one plugin. It exports One, Two. Choose a plugin: --use 'p#One' or --use 'p#Two'.",
    );
    expect(() => pick({ One, version: 1 }, 'version')).toThrow('"version" is no class that it exports');
    expect(() => pick({})).toThrow(
      'no class among its exports is a plugin, with a method apply(ctx). It exports nothing.',
    );
  });
});
