import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { createProgram } from '../src/createProgram.js';
import { formatTable } from '../src/inspect/formatTable.js';
import { Interruption } from '../src/Interruption.js';
import { runMain } from './support/runMain.js';

const COLUMNS = 80;
const fixture = (name: string): string => fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));
const longest = (text: string): string => text.split('\n').toSorted((a, b) => b.length - a.length)[0]!;

using interruption = new Interruption();
const commands = (await createProgram(interruption, ['help'])).commands.map((command) => command.name());

test.each(['', ...commands])('the help of "thimble %s" fits 80 columns', async (name) => {
  const { code, stdout } = await runMain([...(name === '' ? [] : [name]), '--help']);
  expect(code).toBe(0);
  expect(stdout.split('\n').length).toBeGreaterThan(5);
  expect(longest(stdout).length).toBeLessThanOrEqual(COLUMNS);
});

test.each([
  ['schedulers'],
  ['inspect', '../core/test/fixtures/sd-tiny', '--segments'],
  ['inspect', '../core/test/fixtures/sdxl-tiny', '--size', '1024'],
])('what %s says fits 80 columns', async (...args) => {
  const { code, stdout } = await runMain(args, { cwd: fileURLToPath(new URL('..', import.meta.url)) });
  expect(code).toBe(0);
  const lines = stdout.split('\n').filter((line) => !line.startsWith('model '));
  expect(longest(lines.join('\n')).length).toBeLessThanOrEqual(COLUMNS);
});

describe('on a terminal', () => {
  const onTerminal = async (args: readonly string[]): Promise<string> => {
    const { isTTY, columns } = process.stderr;
    Object.assign(process.stderr, { isTTY: true, columns: COLUMNS });
    try {
      return (await runMain(args)).stderr;
    } finally {
      Object.assign(process.stderr, { isTTY, columns });
    }
  };

  test.each([
    ['an error of core', ['schedulers', 'nope'], /ERR_SCHEDULER_UNKNOWN/],
    ['wrong usage', ['generate', 'x', '-m', 'x', '-o', 'a/picture/with/a/long/name.tiff'], /ERR_USAGE/],
    [
      'a value that cannot be',
      ['generate', 'x', '-m', 'x', '--format', `${'b'.repeat(30)} ${'c'.repeat(30)}`],
      /Allowed/,
    ],
  ])('%s is broken between words', async (_, args, said) => {
    const stderr = await onTerminal(args);
    expect(stderr).toMatch(said);
    expect(stderr.trimEnd().split('\n').length).toBeGreaterThan(1);
    expect(longest(stderr).length).toBeLessThanOrEqual(COLUMNS);
  });

  test('in a pipe an error is one line', async () => {
    const { stderr } = await runMain(['inspect', `${fixture('sd-tiny')}/model_index.json`]);
    expect(stderr).toMatch(/^.*\n$/);
    expect(stderr.length).toBeGreaterThan(COLUMNS);
  });
});

test('a table that is too wide loses its spare column, then breaks the one that can be broken', () => {
  const columns = [
    { title: 'A' },
    { title: 'SPARE', spare: true },
    { title: 'B', wraps: true },
    { title: 'C', right: true },
  ];
  const rows = [['one', 'spare', 'some words', '1']];
  expect(formatTable(columns, rows, 40)).toBe('A    SPARE  B           C\none  spare  some words  1');
  expect(formatTable(columns, rows, 20)).toBe('A    B           C\none  some words  1');
  expect(formatTable(columns, rows, 13)).toBe('A    B      C\none  some   1\n     words');
});
