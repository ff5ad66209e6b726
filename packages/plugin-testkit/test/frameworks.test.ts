import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const ROOT = join(PACKAGE, '../..');
/** What runs under every framework; under jest all rules do. */
const FEW = ['identity', 'installs', 'runs-independent', 'timers-cleared'];
/**
 * A conforming plugin, or one that shares state between runs. What the fake device cannot show is no question of the framework: a process is started by jest's case of one rule
 * below.
 */
const source = (
  imports: string,
  given: string,
  rules: readonly string[] | undefined,
  faulty: boolean,
): string => `${imports}
import { runPluginConformance } from '@thimble/plugin-testkit';
let runs = 0;
const create = () => ({ name: 'test:mine', engines: { thimble: '*' }, apply: ({ hooks }) => void hooks.beforeRun.tap('count', (run) => {
  runs++;
  if (${faulty} && runs > 4) throw new Error('too many runs');
}) });
runPluginConformance(create, { ${given} device: 'fake', rules: ${JSON.stringify(rules)} });
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-frameworks-'));
  for (const [name, target] of Object.entries({
    '@thimble/core': join(ROOT, 'packages/core'),
    '@thimble/plugin-testkit': PACKAGE,
    vitest: join(PACKAGE, 'node_modules/vitest'),
  })) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true });
    symlinkSync(target, join(folder, 'node_modules', name), 'dir');
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'jest.config.json'), '{ "transform": {} }');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');
const VITEST = join(PACKAGE, 'node_modules/vitest/vitest.mjs');
const RUNNERS: Readonly<
  Record<
    string,
    {
      readonly imports: string;
      /** Options beside the device. */
      readonly given: string;
      readonly rules?: readonly string[];
      readonly args: (file: string) => readonly string[];
      readonly passed: RegExp;
    }
  >
> = {
  // No environment of ours: as any author has it.
  jest: {
    imports: '',
    given: '',
    args: (file) => ['--experimental-vm-modules', JEST, '--rootDir=.', `--testMatch=**/${file}`],
    passed: /Tests: +18 passed, 18 total/,
  },
  vitest: {
    imports: "import { describe, test } from 'vitest';",
    given: 'describe, test,',
    rules: FEW,
    args: (file) => [VITEST, 'run', file],
    passed: /Tests +4 passed \(4\)/,
  },
  'node:test': {
    imports: '',
    given: '',
    rules: FEW,
    args: (file) => ['--test', '--test-reporter=tap', file],
    passed: /# pass 4\n# fail 0/,
  },
  'node:test, given': {
    imports: "import { describe, test } from 'node:test';",
    given: 'describe, test,',
    rules: FEW,
    args: (file) => ['--test', '--test-reporter=tap', file],
    passed: /# pass 4\n# fail 0/,
  },
};

function run(name: string, faulty: boolean): { readonly status: number | null; readonly said: string } {
  const { imports, given, rules, args } = RUNNERS[name]!;
  const file = `${name.replaceAll(/\W/g, '')}-${faulty}.test.js`;
  writeFileSync(join(folder, file), source(imports, given, faulty ? ['runs-independent'] : rules, faulty));
  const env = {
    ...process.env,
    NO_COLOR: '1',
    FORCE_COLOR: '0',
    NODE_TEST_CONTEXT: undefined,
    VITEST: undefined,
    JEST_WORKER_ID: undefined,
  };
  const { status, stdout, stderr } = spawnSync(process.execPath, [...args(file)], {
    cwd: folder,
    encoding: 'utf8',
    env,
  });
  return { status, said: `${stdout}${stderr}` };
}

test.each(Object.keys(RUNNERS))(
  'the suite runs under %s',
  (name) => {
    const { status, said } = run(name, false);
    expect(said).toMatch(RUNNERS[name]!.passed);
    expect(status).toBe(0);
  },
  240_000,
);

test.each(Object.keys(RUNNERS))(
  '%s fails where the plugin does, and names the rule',
  (name) => {
    const { status, said } = run(name, true);
    expect(said).toMatch(/runs-independent/);
    expect(said).toMatch(/too many runs/);
    expect(status).toBe(1);
  },
  240_000,
);

test('without a framework it says what to write', () => {
  writeFileSync(join(folder, 'none.js'), source('', '', undefined, false));
  const { status, stderr } = spawnSync(process.execPath, ['none.js'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  expect(stderr).toMatch(
    /ERR_ARGUMENT_INVALID[\s\S]*import \{ describe, test \} from 'vitest'|import \{ describe, test \} from 'vitest'[\s\S]*ERR_ARGUMENT_INVALID/,
  );
  expect(status).toBe(1);
});
