import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Finding, LintSandbox } from './LintSandbox.js';

interface House {
  readonly rooms: readonly string[];
  readonly groundFloor: Readonly<Record<string, readonly string[]>>;
  readonly entries: readonly string[];
  readonly foundation: readonly string[];
  readonly libraries: Readonly<Record<string, readonly string[]>>;
}

const ROOT = new URL('../../../../', import.meta.url);
// By URL: the tools have no types.
const { rooms, groundFloor, entries, foundation, libraries } = (await import(
  new URL('tools/rooms.mjs', ROOT).href
)) as House;
const ALL_ROOMS = [...rooms, ...Object.keys(groundFloor)];
const CORE = 'packages/core/src';

/** Files that break rules of dependency-cruiser, and those rules; none for files that break none. */
const imports: [file: string, source: string, rules: readonly string[]][] = [];
/** The same for oxlint, of which a file may break others too. */
const style: [file: string, source: string, rule: string][] = [];

const importing = (file: string, source: string, ...rules: string[]): void => void imports.push([file, source, rules]);

/** Whether the house lets `from` import `to`, told from the design and not from the rules. */
function mayImport(from: string, to: string): boolean {
  if (from in groundFloor)
    return (
      (to === 'disk' && ['tokenizers', 'images'].includes(from)) ||
      (to === 'fields' && ['tokenizers', 'images', 'random', 'disk'].includes(from))
    );
  return to in groundFloor || rooms.indexOf(to) > rooms.indexOf(from);
}

for (const from of ALL_ROOMS) {
  importing(
    `${CORE}/${from}/fine/own.ts`,
    "import './beside.js';\nimport '../thing.js';\nimport '../../errors.js';\nimport '../../version.js';\n",
  );
  importing(`${CORE}/${from}/fine/beside.ts`, 'export {};\n');
  importing(`${CORE}/${from}/thing.ts`, 'export const thing = 1;\nexport interface Thing { a: 1 }\n');
  for (const to of ALL_ROOMS) {
    if (from === to) continue;
    const rules = mayImport(from, to) ? [] : [`room-${from}`];
    importing(`${CORE}/${from}/imports_${to}.ts`, `import '../${to}/thing.js';\n`, ...rules);
    importing(`${CORE}/${from}/inner/deep/imports_${to}.ts`, `import '../../../${to}/thing.js';\n`, ...rules);
  }
  for (const entry of entries)
    importing(`${CORE}/${from}/imports_${entry}`, `import '../${entry.replace('.ts', '.js')}';\n`, `room-${from}`);
  for (const [library, owners] of Object.entries(libraries)) {
    const name = library.replaceAll(/\W/g, '_');
    for (const file of [
      `${from}/knows_${name}.ts`,
      `${from}/engine/knows_${name}.ts`,
      `${from}/hub/knows_${name}.ts`,
    ]) {
      const owned = owners.some((owner) => file.startsWith(`${owner}/`));
      importing(`${CORE}/${file}`, `import '${library}';\n`, ...(owned ? [] : [`library-${library}`]));
    }
  }
}
for (const file of [...entries, ...foundation]) importing(`${CORE}/${file}`, 'export const here = 1;\n');

// However a file is imported, it is.
for (const [form, source] of Object.entries({
  value: "import { thing } from '../models/thing.js';\nexport const a = thing;\n",
  type: "import type { Thing } from '../models/thing.js';\nexport type A = Thing;\n",
  inlineType: "import { type Thing } from '../models/thing.js';\nexport type A = Thing;\n",
  exported: "export { thing } from '../models/thing.js';\n",
  exportedType: "export type { Thing } from '../models/thing.js';\n",
  star: "export * from '../models/thing.js';\n",
  dynamic: "export const a = async (): Promise<unknown> => import('../models/thing.js');\n",
  typeByImport: "export type A = import('../models/thing.js').Thing;\n",
  winding: "import './../models/thing.js';\n",
  bySource: "import '../../src/models/thing.js';\n",
}))
  importing(`${CORE}/graph/form_${form}.ts`, source, 'room-graph');

// Circles of two files: by values, by types, by a dynamic import, by the type of a dynamic import.
for (const [form, back] of Object.entries({
  value: "import { a } from './circle_value.js';\nexport const b = (): unknown => a;\n",
  type: "import type { A } from './circle_type.js';\nexport interface B { a: A }\nexport const b = 1;\n",
  dynamic: "export const b = async (): Promise<unknown> => import('./circle_dynamic.js');\n",
  typeByImport: "export interface B { a: import('./circle_typeByImport.js').A }\nexport const b = 1;\n",
})) {
  const forth = `import { b } from './circle_${form}_back.js';\nexport const a = (): unknown => b;\nexport interface A { b: 1 }\n`;
  importing(`packages/plugin-fp8/src/circle_${form}.ts`, forth, 'no-circle');
  importing(`packages/plugin-fp8/src/circle_${form}_back.ts`, back, 'no-circle');
}

importing(`${CORE}/wing/a.ts`, 'export {};\n');
importing(`${CORE}/model.ts`, "import './wing/a.js';\n", 'rooms-are-known');
importing(`${CORE}/errors.ts`, "import './random/thing.js';\n", 'foundation');
importing(`${CORE}/version.ts`, "import 'node:fs';\n", 'foundation');
importing(`${CORE}/run/byName.ts`, "import '@thimble/core';\n", 'core-stands-alone', 'room-run');
importing(`${CORE}/run/plugin.ts`, "import '@thimble/plugin-fp8';\n", 'core-stands-alone');
importing('packages/plugin-fp8/src/index.ts', 'export {};\n');
importing('packages/plugin-fp8/src/inner/a.ts', 'export {};\n');

for (const folder of [
  'packages/plugin-offload/src',
  'packages/plugin-offload/test/deep',
  'packages/thimble/src/inner',
]) {
  const core = '../'.repeat(folder.split('/').length - 1);
  importing(
    `${folder}/fine.ts`,
    "import '@thimble/core';\nimport '@thimble/core/plugin';\nimport '@thimble/core/model';\nimport 'node:fs';\nimport 'onnxruntime-common';\n",
  );
  const isPlugin = folder === 'packages/plugin-offload/src';
  importing(`${folder}/beside.ts`, "import '@thimble/plugin-fp8';\n", ...(isPlugin ? ['plugins-stand-on-core'] : []));
  importing(`${folder}/dist.ts`, "import '@thimble/core/dist/index.js';\n", 'package-entry-exists');
  importing(`${folder}/source.ts`, "import '@thimble/core/src/index.ts';\n", 'package-entry-exists');
  importing(`${folder}/entry.ts`, `import '${core}core/src/index.js';\n`, 'package-by-name');
  importing(
    `${folder}/inside.ts`,
    `import '${core}core/src/graph/thing.js';\n`,
    'package-by-name',
    'package-public-entry',
  );
  importing(`${folder}/library.ts`, "import 'tapable';\n", ...(folder.includes('/src') ? ['library-tapable'] : []));
}

for (const [i, [rule, source]] of [
  ['import(no-default-export)', 'export default 1;'],
  ['typescript(no-explicit-any)', 'export const a: any = 1;'],
  ['typescript(ban-ts-comment)', '// @ts-ignore\nexport const a = 1;'],
  ['typescript(ban-ts-comment)', '// @ts-expect-error\nexport const a = 1;'],
  ['eslint(no-console)', "console.log('a');\nexport {};"],
  ['eslint(no-warning-comments)', '// TO' + 'DO later\nexport const a = 1;'],
  ['eslint(max-lines)', `${'export {};\n'.repeat(351)}`],
  ['typescript(consistent-type-imports)', "import { Stats } from 'node:fs';\nexport type A = Stats;"],
  ['typescript(no-floating-promises)', 'export function a(): void { Promise.resolve(1); }'],
  ['typescript(no-misused-promises)', 'export const a = async (): Promise<boolean> => true;\nif (a()) await a();'],
  ['typescript(await-thenable)', 'export const a = await 1;'],
  ['typescript(only-throw-error)', "export const a = (): never => { throw 'text'; };"],
  ['typescript(no-unsafe-call)', "export const a = JSON.parse('{}')();"],
].entries())
  style.push([`${CORE}/graph/style${i}.ts`, source as string, rule as string]);

let cruised: readonly Finding[];
let linted: readonly Finding[];

beforeAll(() => {
  using sandbox = new LintSandbox();
  for (const [file, source] of [...imports, ...style]) sandbox.write(file, source);
  cruised = sandbox.cruise();
  linted = sandbox.lint();
}, 240_000);

const rulesOf = (findings: readonly Finding[], file: string): string[] => [
  ...new Set(findings.filter((finding) => finding.file === file).map(({ rule }) => rule)),
];

describe('the house', () => {
  test('has the rooms, entries and foundations that core has', () => {
    const here = readdirSync(new URL(`${CORE}/`, ROOT));
    expect(here.sort()).toEqual([...ALL_ROOMS, ...entries, ...foundation].sort());
  });

  test('is the one that docs/architecture.md shows', () => {
    const page = readFileSync(new URL('docs/architecture.md', ROOT), 'utf8');
    const [, section = ''] = /^## Rooms$(.*?)(?=^## |(?![\s\S]))/ms.exec(page) ?? [];
    const table = [...section.matchAll(/^\| (`.+?`) \|/gm)].map(([, cell]) => cell as string);
    const shown = table.map((cell) => [...cell.matchAll(/`(\w+)\/`/g)].map(([, room]) => room as string));
    expect(shown.slice(0, rooms.length)).toEqual(rooms.map((room) => [room]));
    expect(shown.slice(rooms.length).flat().sort()).toEqual(Object.keys(groundFloor).sort());
  });

  test('lets every file import what it may, and nothing else', () => {
    const found = imports.map(([file]) => [file, rulesOf(cruised, file).sort()]);
    // A later file of one name replaces an earlier one.
    const expected = new Map(imports.map(([file, , rules]) => [file, rules.toSorted()]));
    expect(new Map(found as [string, string[]][])).toEqual(expected);
    expect([...expected.values()].filter((rules) => rules.length > 0).length).toBeGreaterThan(300);
  });
});

describe('the house style', () => {
  test.each(style.map(([file, source, rule]) => [rule, source.slice(0, 80), file] as const))(
    'by %s refuses %p',
    (rule, _source, file) => {
      expect(rulesOf(linted, file)).toContain(rule);
    },
  );

  test('refuses nothing in a file that is fine', () => {
    expect(rulesOf(linted, `${CORE}/graph/thing.ts`)).toEqual([]);
  });
});
