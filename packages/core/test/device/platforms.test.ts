import { win32 } from 'node:path';
import { expect, test } from '@jest/globals';
import { allocatorEnvironment } from '../../src/device/allocatorEnvironment.js';
import { type ChildSystem, childCommand, reasonOfStatus, STATUS_PIPE } from '../../src/device/childCommand.js';
import { containerMemory } from '../../src/device/containerMemory.js';
import { permissionFlags } from '../../src/device/devicePermissions.js';
import { readOwnMemory, readProcessMemory } from '../../src/device/ProcessMemory.js';
import { temporaryFolders } from '../../src/device/spillFolder.js';
import { yieldMemory } from '../../src/device/yieldMemory.js';
import { commonFolder, locationIn } from '../../src/graph/onnx/externalData.js';

/** A system with these files and no others. */
const filesOf =
  (files: Readonly<Record<string, string>>) =>
  (file: string): string | undefined =>
    files[file];
const NO_FILES = filesOf({});

test.each<readonly [string, Partial<ChildSystem>, boolean]>([
  ['a thread of Linux', {}, true],
  ['a thread of macOS', { platform: 'darwin' }, true],
  ['a thread of Windows', { platform: 'win32' }, false],
  ['a thread where there is no shell', { exists: () => false }, false],
  ['the main thread', { isMainThread: true }, false],
])('the child of %s is started by a shell where it would stay otherwise', (_, system, byShell) => {
  const linux = { platform: 'linux', isMainThread: false, exists: () => true } as const;
  const command = childCommand(['--expose-gc'], { A: 'b' }, { ...linux, ...system });
  expect(command.byShell).toBe(byShell);
  expect(command.options.execPath).toBe(byShell ? '/bin/sh' : process.execPath);
  expect(command.options.env).toEqual(byShell ? { A: 'b', THIMBLE_EXECUTABLE: process.execPath } : { A: 'b' });
  expect([...command.options.execArgv, ...command.args]).toEqual(
    byShell ? ['-c', expect.stringContaining(`"$@" "$0" ${STATUS_PIPE}>&-`), '--expose-gc'] : ['--expose-gc'],
  );
});

test('what a shell says of a child tells a signal from an exit code', () => {
  expect([137, 143, 1, 250].map(reasonOfStatus)).toEqual([
    'signal SIGKILL',
    'signal SIGTERM',
    'exit code 1',
    'exit code 250',
  ]);
});

test('only Linux is asked to end the child first, and may refuse', () => {
  const written: string[] = [];
  const write = (file: string, text: string): void => void written.push(`${file} ${text}`);
  for (const platform of ['darwin', 'win32', 'linux'] as const) yieldMemory(platform, write);
  expect(written).toEqual(['/proc/self/oom_score_adj 1000']);
  expect(() =>
    yieldMemory('linux', () => {
      throw new Error('EACCES');
    }),
  ).not.toThrow();
});

test("glibc's settings are for Linux", () => {
  expect(allocatorEnvironment('return', 'linux')).toMatchObject({ MALLOC_TRIM_THRESHOLD_: '262144' });
  // What a VAE's large values take goes back, on huge pages: kept in the heap they left holes that nothing fitted.
  expect(allocatorEnvironment('keep', 'linux')).toMatchObject({
    MALLOC_MMAP_THRESHOLD_: '67108864',
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  });
  expect([allocatorEnvironment('return', 'darwin'), allocatorEnvironment('keep', 'win32')]).toEqual([{}, {}]);
});

test('memory is read where the system tells it; elsewhere all of this process counts as anonymous, and nothing is known of the child', () => {
  const status = 'VmRSS:\t  300 kB\nRssAnon:\t  100 kB\nRssFile:\t  150 kB\nRssShmem:\t   50 kB\n';
  const KB = 1024;
  expect(readProcessMemory(7, filesOf({ '/proc/7/status': status }))).toEqual({
    residentBytes: 300 * KB,
    anonymousBytes: 100 * KB,
    fileBytes: 200 * KB,
  });
  expect(readProcessMemory(7, NO_FILES)).toBeUndefined();
  const own = readOwnMemory(NO_FILES);
  expect(own).toEqual({ residentBytes: own.anonymousBytes, anonymousBytes: own.anonymousBytes, fileBytes: 0 });
  expect(own.residentBytes).toBeGreaterThan(2 ** 20);
});

test.each<readonly [string, Readonly<Record<string, string>>, number | undefined]>([
  ['no control groups, as on macOS and Windows', {}, undefined],
  ['no limit', { '/sys/fs/cgroup/memory.max': 'max\n' }, undefined],
  ['a limit of version 2', { '/sys/fs/cgroup/memory.max': '268435456\n' }, 2 ** 28],
  ['a limit of version 1', { '/sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456\n' }, 2 ** 28],
  ['more than the machine has', { '/sys/fs/cgroup/memory.max': String(2 ** 60) }, undefined],
  [
    'the tightest of its groups',
    {
      '/proc/self/cgroup': '0::/a/b\n',
      '/sys/fs/cgroup/a/memory.max': '268435456',
      '/sys/fs/cgroup/a/b/memory.max': '536870912',
    },
    2 ** 28,
  ],
])('the limit of a container with %s', (_, files, expected) => {
  expect(containerMemory(filesOf(files))).toBe(expected);
});

test('large temporary files have a place of their own on systems like Unix', () => {
  expect(temporaryFolders('win32')).toHaveLength(1);
  expect(temporaryFolders('darwin').at(-1)).toBe('/var/tmp');
});

test.each([
  ['v20', ['--experimental-permission'], '--experimental-permission'],
  ['v22', ['--experimental-permission', '--permission'], '--permission'],
  ['v24', ['--permission'], '--permission'],
])("Node's permission model has the name that %s gives it", (_, names, flag) => {
  const flags = permissionFlags({ write: ['/traces'] }, 'cpu', new Set([...names, '--allow-addons']));
  expect(flags[0]).toBe(flag);
  expect(flags).toEqual(expect.arrayContaining(['--allow-addons', '--allow-fs-write=/traces/*']));
});

test.each([[['--permission']], [['--allow-addons']], [[]]])(
  'a Node with %j alone has none that can be used',
  (names) => {
    expect(() => permissionFlags({}, 'cpu', new Set(names))).toThrow(
      expect.objectContaining({ code: 'ERR_DEVICE_UNAVAILABLE' }),
    );
  },
);

test('on Windows external data has forward slashes, and drives have nothing in common', () => {
  const [weights, made] = ['C:\\models\\sd\\unet\\a.safetensors', 'C:\\models\\cache\\b.safetensors'];
  expect(commonFolder([weights, made], win32)).toBe('C:\\models');
  expect(locationIn('C:\\models', weights, win32)).toBe('sd/unet/a.safetensors');
  expect(commonFolder(['C:\\a\\x', 'C:\\b\\y'], win32)).toBe('C:\\');
  expect(() => commonFolder([weights, 'D:\\cache\\b.safetensors'], win32)).toThrow(
    expect.objectContaining({ code: 'ERR_WEIGHTS_APART', details: { folders: ['C:\\models\\sd\\unet', 'D:\\cache'] } }),
  );
});
