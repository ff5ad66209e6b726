import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LintSandbox } from './LintSandbox.js';

/** The rooms of core, from upper to lower; those in one line do not know one another. */
const FLOORS = [
  ['pipelines'],
  ['plugins'],
  ['hooks'],
  ['schedulers'],
  ['models'],
  ['graph'],
  ['weights'],
  ['device'],
  ['tokenizers', 'images', 'random'],
] as const;
const ROOMS = FLOORS.flat();
const GROUND = ['errors.ts', 'version.ts'];
/** Stands on the ground, and every room may stand on it. */
const FIRST_FLOOR = ['fileSystemError.ts'];
/** The room that owns each large library. */
const LIBRARIES = {
  tsyringe: 'pipelines',
  tapable: 'hooks',
  '@huggingface/hub': 'weights',
  'onnxruntime-node': 'device',
  sharp: 'images',
};

const floorOf = (room: string): number => FLOORS.findIndex((rooms) => (rooms as readonly string[]).includes(room));

let sandbox: LintSandbox;

beforeEach(() => {
  sandbox = new LintSandbox();
});

afterEach(() => {
  sandbox[Symbol.dispose]();
});

function filesAgainst(rule: string, { typeAware = false } = {}): string[] {
  return sandbox
    .lint({ typeAware })
    .filter((finding) => finding.rule === rule)
    .map(({ file }) => file)
    .sort();
}

const RESTRICTED = 'eslint(no-restricted-imports)';

describe('the rooms of core', () => {
  test('are all known to the linter', () => {
    const entries = readdirSync(new URL('../../src/', import.meta.url)).sort();
    expect(entries).toEqual([...ROOMS, ...GROUND, ...FIRST_FLOOR, 'index.ts'].sort());
  });

  test.each(['', 'inner/'])('import lower rooms only, from files in %p of the room', (inner) => {
    const forbidden: string[] = [];
    for (const from of ROOMS) {
      for (const to of ROOMS) {
        if (from === to) continue;
        const file = `packages/core/src/${from}/${inner}imports_${to}.ts`;
        sandbox.write(file, `import '${inner === '' ? '../' : '../../'}${to}/thing.js';\n`);
        if (floorOf(to) <= floorOf(from)) forbidden.push(file);
      }
    }
    expect(forbidden).toHaveLength((8 * 7) / 2 + 3 * 8 + 3 * 2);
    expect(filesAgainst(RESTRICTED)).toEqual(forbidden.sort());
  });

  test.each(ROOMS)('let %s import its own files and the ground', (room) => {
    sandbox.write(
      `packages/core/src/${room}/inner/fine.ts`,
      "import './a.js';\nimport '../b.js';\nimport '../other/c.js';\nimport '../../errors.js';\nimport '../../version.js';\n",
    );
    expect(filesAgainst(RESTRICTED)).toEqual([]);
  });

  test.each([
    "import { a } from '../models/a.js'; a();",
    "import type { A } from '../models/a.js'; export type B = A;",
    "export { a } from '../models/a.js';",
    "export * from '../models/a.js';",
    "export const a = async (): Promise<unknown> => import('../models/a.js');",
    "import './../models/a.js';",
    "import '../index.js';",
    "import '../../src/models/a.js';",
    "import '../../dist/index.js';",
    "import '@thimble/core';",
    "import '@thimble/plugin-offload';",
    "import 'thimble';",
  ])('are closed to %s', (source) => {
    sandbox.write('packages/core/src/graph/bad.ts', source);
    expect(filesAgainst(RESTRICTED)).toEqual(['packages/core/src/graph/bad.ts']);
  });

  test('are closed to types by import()', () => {
    sandbox.write('packages/core/src/graph/bad.ts', "export type A = import('../models/a.js').A;");
    expect(filesAgainst('typescript(consistent-type-imports)')).toEqual(['packages/core/src/graph/bad.ts']);
  });

  test.each(Object.entries(LIBRARIES))('keep %s in %s', (library, owner) => {
    for (const room of ROOMS) sandbox.write(`packages/core/src/${room}/a.ts`, `import '${library}';\n`);
    expect(filesAgainst(RESTRICTED)).toEqual(
      ROOMS.filter((room) => room !== owner)
        .map((room) => `packages/core/src/${room}/a.ts`)
        .sort(),
    );
  });

  test('stand on errors and version, which import nothing', () => {
    for (const file of [...GROUND, ...FIRST_FLOOR])
      sandbox.write(`packages/core/src/${file}`, "import './hooks/a.js';\n");
    expect(filesAgainst(RESTRICTED)).toEqual(
      [...GROUND, ...FIRST_FLOOR].map((file) => `packages/core/src/${file}`).sort(),
    );
  });
});

describe.each(['packages/plugin-offload/src', 'packages/plugin-offload/test/deep', 'packages/thimble/src/inner'])(
  '%s',
  (folder) => {
    test('may not reach into another package', () => {
      const specifiers = [
        '@thimble/core/dist/index.js',
        '@thimble/core/src/index.ts',
        '@thimble/plugin-fp8/dist/a.js',
        '../../core/src/index.js',
        '../../core/index.js',
        '../../../core/dist/graph/Graph.js',
        '../../../packages/core/src/index.js',
        '../../plugin-fp8/src/index.js',
        '../../../thimble/dist/cli.js',
      ];
      const files = specifiers.map((_, i) => `${folder}/bad${i}.ts`);
      for (const [i, specifier] of specifiers.entries())
        sandbox.write(`${folder}/bad${i}.ts`, `import '${specifier}';\n`);
      expect(filesAgainst(RESTRICTED)).toEqual(files);
    });

    test('may import public entries, libraries and its own files', () => {
      sandbox.write(
        `${folder}/fine.ts`,
        "import '@thimble/core';\nimport '@thimble/plugin-testkit';\nimport 'node:fs';\nimport 'onnxruntime-common';\nimport './a.js';\nimport '../src/b.js';\n",
      );
      expect(filesAgainst(RESTRICTED)).toEqual([]);
    });
  },
);

describe('the house style', () => {
  test.each([
    ['import(no-default-export)', 'export default 1;'],
    ['typescript(no-explicit-any)', 'export const a: any = 1;'],
    ['typescript(ban-ts-comment)', '// @ts-ignore\nexport const a = 1;'],
    ['typescript(ban-ts-comment)', '// @ts-expect-error\nexport const a = 1;'],
    ['eslint(no-console)', "console.log('a');\nexport {};"],
    ['eslint(no-warning-comments)', '// TO' + 'DO later\nexport const a = 1;'],
    ['typescript(consistent-type-imports)', "import { Stats } from 'node:fs';\nexport type A = Stats;"],
  ])('%s refuses %p', (rule, source) => {
    sandbox.write('packages/core/src/graph/bad.ts', source);
    expect(filesAgainst(rule)).toEqual(['packages/core/src/graph/bad.ts']);
  });

  test.each(['import', 'import type'])('import(no-cycle) refuses a cycle of %s', (form) => {
    sandbox.write(
      'packages/core/src/graph/a.ts',
      `${form} { B } from './b.js';\nexport interface A { b: B }\nexport interface C { d: 1 }\n`,
    );
    sandbox.write('packages/core/src/graph/b.ts', `${form} { C } from './a.js';\nexport interface B { c: C }\n`);
    expect(filesAgainst('import(no-cycle)')).toEqual(['packages/core/src/graph/a.ts', 'packages/core/src/graph/b.ts']);
  });

  test.each([
    ['typescript(no-floating-promises)', 'export function a(): void { Promise.resolve(1); }'],
    ['typescript(no-misused-promises)', 'export const a = async (): Promise<boolean> => true;\nif (a()) await a();'],
    ['typescript(await-thenable)', 'export const a = await 1;'],
    ['typescript(only-throw-error)', "export const a = (): never => { throw 'text'; };"],
    ['typescript(no-unsafe-call)', "export const a = JSON.parse('{}')();"],
  ])('%s refuses %p', (rule, source) => {
    sandbox.write('packages/core/src/graph/bad.ts', source);
    expect(filesAgainst(rule, { typeAware: true })).toEqual(['packages/core/src/graph/bad.ts']);
  });
});
