import { lstat, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { expandPath } from '../../src/weights/hub/expandPath.js';
import { linkOrCopy } from '../../src/weights/hub/linkOrCopy.js';
import { useTemporaryFolders } from './temporaryFolder.js';

const newFolder = useTemporaryFolders();

test.each([
  ['linux', '~/hub', `${homedir()}/hub`],
  ['linux', '$DATA/hub/${DATA}', '/data/hub//data'],
  ['linux', '%DATA%\\hub', '%DATA%\\hub'],
  ['win32', '%DATA%\\hub\\$DATA', '/data\\hub\\/data'],
  ['win32', '~\\hub', `${homedir()}\\hub`],
  ['win32', '%OTHER%\\hub', '%OTHER%\\hub'],
] as const)('on %s the setting %j is %j', (platform, path, expected) => {
  expect(expandPath(path, { DATA: '/data' }, platform)).toBe(expected);
});

function refusing(code: string): () => Promise<void> {
  return async () => Promise.reject(Object.assign(new Error(code), { code }));
}

test.each(['EPERM', 'ENOTSUP', 'ENOSYS'])('where links are refused with %s there is a copy', async (code) => {
  const folder = await newFolder();
  await writeFile(join(folder, 'blob'), 'weights');
  await linkOrCopy(join(folder, 'blob'), join(folder, 'copy'), refusing(code));
  expect((await lstat(join(folder, 'copy'))).isFile()).toBe(true);
  expect(await readFile(join(folder, 'copy'), 'utf8')).toBe('weights');
});

test('another failure of a link is one', async () => {
  const folder = await newFolder();
  await expect(linkOrCopy('blob', join(folder, 'x'), refusing('ENOSPC'))).rejects.toMatchObject({ code: 'ENOSPC' });
});
