import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const RUNNER = fileURLToPath(new URL('../../../../tools/test.mjs', import.meta.url));

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-runner-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the runner over one test file, written in JavaScript. */
function run(source: string, ...options: string[]): { status: number | null; lastLine: string | undefined } {
  const { status, lines } = runForLines(source, ...options);
  return { status, lastLine: lines.at(-1) };
}

function runForLines(source: string, ...options: string[]): { status: number | null; lines: readonly string[] } {
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'only.test.js'), source);
  const config = join(folder, 'jest.config.json');
  writeFileSync(config, '{ "transform": {} }');
  const { status, stdout } = spawnSync(
    process.execPath,
    [RUNNER, `--config=${config}`, `--rootDir=${folder}`, ...options],
    { encoding: 'utf8' },
  );
  return { status, lines: stdout.trimEnd().split('\n') };
}

describe('tools/test.mjs', () => {
  test('ends with the counts', () => {
    expect(run("test('a', () => {}); test('b', () => {});")).toEqual({ status: 0, lastLine: '2 passed, 0 failed' });
  });

  test('tells the processor before them', () => {
    const { lines } = runForLines("test('a', () => {});");
    expect(lines.at(-2)).toMatch(/^processor: .+ \(.+\)$/);
    const flags = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
    for (const name of ['avx2', 'avx512f', 'avx512_vnni'])
      expect(lines.at(-2)!.includes(name)).toBe(new RegExp(`^flags.* ${name}( |$)`, 'm').test(flags));
  });

  test('fails if a test fails, and counts those that were skipped', () => {
    const source =
      "test('a', () => {}); test('b', () => { throw new Error('b'); }); test.skip('c', () => {}); test.todo('d');";
    expect(run(source)).toEqual({ status: 1, lastLine: '1 passed, 1 failed, 2 skipped' });
  });

  test('counts a file that cannot be run as failed', () => {
    expect(run("throw new Error('at import');")).toEqual({ status: 1, lastLine: '0 passed, 1 failed' });
  });

  test('passes its arguments on', () => {
    expect(run("test('a', () => {}); test('b', () => { throw new Error('b'); });", '--testNamePattern', 'a')).toEqual({
      status: 0,
      lastLine: '1 passed, 0 failed, 1 skipped',
    });
  });

  test('fails if nothing ran', () => {
    expect(run("test('a', () => {});", 'no/such/path')).toEqual({ status: 1, lastLine: '0 passed, 1 failed' });
    expect(run("test.skip('a', () => {});")).toEqual({ status: 1, lastLine: '0 passed, 0 failed, 1 skipped' });
  });

  test.each([
    ['killed', "test('a', () => { process.kill(process.pid, 'SIGKILL'); });"],
    ['ended from within', "test('a', () => {}); process.reallyExit(0);"],
  ])('does not take jest for passed that is %s', (_, source) => {
    expect(run(source, '--runInBand')).toEqual({ status: 1, lastLine: '0 passed, 1 failed' });
  });
});
