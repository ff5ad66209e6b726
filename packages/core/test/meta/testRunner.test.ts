import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

// By URL: the tools have no types.
const { slowSuites } = (await import(new URL('../../../../tools/slowSuites.mjs', import.meta.url).href)) as {
  slowSuites: (
    results: object,
    budget: number,
    shorten?: (path: string) => string,
  ) => { readonly report: string; readonly over: number };
};
const RUNNER = fileURLToPath(new URL('../../../../tools/test.mjs', import.meta.url));

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-runner-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the runner over one test file, written in JavaScript. */
function run(
  source: string,
  env: NodeJS.ProcessEnv,
  ...options: string[]
): { status: number | null; lastLine: string | undefined } {
  const { status, lines } = runForLines(source, env, ...options);
  return { status, lastLine: lines.at(-1) };
}

function runForLines(
  source: string,
  env: NodeJS.ProcessEnv,
  ...options: string[]
): { status: number | null; lines: readonly string[] } {
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'only.test.js'), source);
  const config = join(folder, 'jest.config.json');
  writeFileSync(config, '{ "transform": {} }');
  const { status, stdout } = spawnSync(
    process.execPath,
    [RUNNER, `--config=${config}`, `--rootDir=${folder}`, ...options],
    { encoding: 'utf8', env: { ...process.env, ...env } },
  );
  return { status, lines: stdout.trimEnd().split('\n') };
}

describe('the slowest suites', () => {
  const results = (...seconds: number[]): object => ({
    testResults: seconds.map((s, i) => ({
      name: `/here/suite${i}.test.ts`,
      startTime: 1000,
      endTime: 1000 + 1000 * s,
    })),
  });

  test('are listed, the slowest first, ten of them', () => {
    const { report, over } = slowSuites(results(...Array.from({ length: 12 }, (_, i) => i)), 100, (path) =>
      path.slice(6),
    );
    const lines = report.split('\n');
    expect(lines[0]).toBe('the slowest of 12 suites, which took 66 s in all; one may take 100 s');
    expect(lines[1]).toBe('   11.0 s  suite11.test.ts');
    expect(lines).toHaveLength(11);
    expect(over).toBe(0);
  });

  test('are told when they come near their budget, and counted when they are over it', () => {
    const { report, over } = slowSuites(results(70, 80, 100.5), 100);
    expect(report).toMatch(/suite2.test.ts {2}OVER ITS BUDGET/);
    expect(report).toMatch(/suite1.test.ts {2}near its budget$/m);
    expect(report).toMatch(/suite0.test.ts$/m);
    expect(over).toBe(1);
  });
});

describe('tools/test.mjs', () => {
  test('fails where a suite takes longer than it may', () => {
    const source = "test('a', async () => { await new Promise((resolve) => setTimeout(resolve, 300)); });";
    expect(run(source, { THIMBLE_SUITE_BUDGET: '0.2' })).toEqual({ status: 1, lastLine: '1 passed, 0 failed' });
  });

  test('ends with the counts', () => {
    expect(run("test('a', () => {}); test('b', () => {});", {})).toEqual({ status: 0, lastLine: '2 passed, 0 failed' });
  });

  test('tells the processor before them', () => {
    const { lines } = runForLines("test('a', () => {});", {});
    expect(lines.at(-2)).toMatch(/^processor: .+ \(.+\)$/);
    const flags = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
    for (const name of ['avx2', 'avx512f', 'avx512_vnni'])
      expect(lines.at(-2)!.includes(name)).toBe(new RegExp(`^flags.* ${name}( |$)`, 'm').test(flags));
  });

  test('fails if a test fails, and counts those that were skipped', () => {
    const source =
      "test('a', () => {}); test('b', () => { throw new Error('b'); }); test.skip('c', () => {}); test.todo('d');";
    expect(run(source, {})).toEqual({ status: 1, lastLine: '1 passed, 1 failed, 2 skipped' });
  });

  test('counts a file that cannot be run as failed', () => {
    expect(run("throw new Error('at import');", {})).toEqual({ status: 1, lastLine: '0 passed, 1 failed' });
  });

  test('passes its arguments on', () => {
    expect(
      run("test('a', () => {}); test('b', () => { throw new Error('b'); });", {}, '--testNamePattern', 'a'),
    ).toEqual({
      status: 0,
      lastLine: '1 passed, 0 failed, 1 skipped',
    });
  });

  test('fails if nothing ran', () => {
    expect(run("test('a', () => {});", {}, 'no/such/path')).toEqual({ status: 1, lastLine: '0 passed, 1 failed' });
    expect(run("test.skip('a', () => {});", {})).toEqual({ status: 1, lastLine: '0 passed, 0 failed, 1 skipped' });
  });

  test.each([
    ['killed', "test('a', () => { process.kill(process.pid, 'SIGKILL'); });"],
    ['ended from within', "test('a', () => {}); process.reallyExit(0);"],
  ])('does not take jest for passed that is %s', (_, source) => {
    expect(run(source, {}, '--runInBand')).toEqual({ status: 1, lastLine: '0 passed, 1 failed' });
  });
});
