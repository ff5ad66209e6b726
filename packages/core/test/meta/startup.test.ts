import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';

/** Names every file of a package that is loaded. */
const HOOK = `import { writeSync } from 'node:fs';
export async function load(url, context, next) {
  const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? [];
  if (name !== undefined) writeSync(1, name + '\\n');
  return next(url, context);
}`;

function packagesLoadedBy(entry: string): string[] {
  const hook = `data:text/javascript,${encodeURIComponent(HOOK)}`;
  const source = `import { register } from 'node:module'; register(${JSON.stringify(hook)}); await import('${entry}');`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    cwd: new URL('../../../../', import.meta.url),
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return [...new Set(stdout.split('\n').filter((name) => name !== ''))].sort();
}

// What a library costs at the start of every program: `npm run bench -- startup`.
test.each([
  ['@thimble/core', ['onnxruntime-common']],
  ['@thimble/core/plugin', ['onnxruntime-common', 'tapable']],
  ['@thimble/core/model', ['onnxruntime-common']],
])('an import of %s loads no library but %j', (entry, libraries) => {
  expect(packagesLoadedBy(entry)).toEqual(libraries);
});
