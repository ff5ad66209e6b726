import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compileNatively } from '../../../tools/compileNatively.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

const NO_PROGRAM = ['README.md', 'benchmarks.md', 'memory.md', 'recipes.md', 'security.md', 'troubleshooting.md'];
/** Pages whose blocks are files with names: see guides.test.ts. */
const GUIDES = ['serving.md', 'server.md', 'bundlers.md', 'worker-threads.md'];
/** Pages of which every TypeScript block has to compile, all blocks of a page as one program. */
const pagesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md') && ![...NO_PROGRAM, ...GUIDES].includes(name))
    .map((name) => `${folder}/${name}`);
const TECHNIQUES = pagesIn('docs/techniques');
const PAGES = [
  ...pagesIn('docs'),
  ...TECHNIQUES,
  'docs/reference/errors.md',
  'docs/reference/hooks.md',
  ...readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}/README.md`),
];
/** Those that also run here; what READMEs of packages show runs against packed packages, and some pages ask for checkpoints of gigabytes, or for a LoRA. */
const LARGE = ['docs/videos.md', 'docs/sdxl.md', 'docs/large-models.md', 'docs/lora.md', 'docs/gpu.md', ...TECHNIQUES];
const RUN = PAGES.filter((page) => page.startsWith('docs/') && !LARGE.includes(page));
/** Those with blocks that are compiled, and not run. */
const HALF_RUN = PAGES.filter((page) => readFileSync(join(ROOT, page), 'utf8').includes('\n```ts no-run\n'));

// By URL: the tools have no types.
const { joinExamples } = (await import(new URL('../../../tools/docs/joinExamples.mjs', import.meta.url).href)) as {
  joinExamples: (page: string, options?: { readonly noRun?: boolean }) => string;
};
const sourceOf = (page: string): string => joinExamples(readFileSync(join(ROOT, page), 'utf8'));
const fileOf = (page: string): string => `${page.replaceAll(/\W/g, '_')}.ts`;
const wholeFileOf = (page: string): string => `whole_${fileOf(page)}`;

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-docs-'));
  for (const name of readdirSync(join(ROOT, 'packages')))
    link(
      join('packages', name),
      name.startsWith('plugin-') || ['core', 'planner', 'server'].includes(name)
        ? `node_modules/@thimble/${name}`
        : `node_modules/${name}`,
    );
  link('models', 'models');
  for (const page of PAGES) writeFileSync(join(folder, fileOf(page)), sourceOf(page));
  for (const page of HALF_RUN) {
    const source = joinExamples(readFileSync(join(ROOT, page), 'utf8'), { noRun: true });
    writeFileSync(join(folder, wholeFileOf(page)), source);
  }
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable'],
    strict: true,
    noUncheckedIndexedAccess: false,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  };
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: [...PAGES.map(fileOf), ...HALF_RUN.map(wholeFileOf)] }),
  );
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function link(from: string, to: string): void {
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  symlinkSync(join(ROOT, from), join(folder, to), 'dir');
}

async function node(...args: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  }).catch((error: unknown) => {
    const { stdout: said, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${args.join(' ')} failed:\n${said}${stderr}`);
  });
  return stdout;
}

/** Pages whose commands are those of a shell alone. */
const WITHOUT_CODE = ['docs/platforms.md', 'docs/robustness.md', 'packages/thimble/README.md'];

test('every page has code, and all of it compiles', async () => {
  expect(PAGES.filter((page) => sourceOf(page) === '')).toEqual(WITHOUT_CODE);
  expect(await compileNatively(folder)).toBe('');
}, 240_000);

describe('the examples run', () => {
  test.each(RUN)(
    '%s',
    async (page) => {
      await expect(node(fileOf(page).replace(/ts$/, 'js'))).resolves.toEqual(expect.any(String));
    },
    240_000,
  );
});
