import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileSystemError } from '../src/disk/fileSystemError.js';

describe('fileSystemError', () => {
  test.each([
    ['ENOSPC', 'ERR_DISK_FULL'],
    ['EDQUOT', 'ERR_DISK_FULL'],
    ['EACCES', 'ERR_FILE_ACCESS'],
    ['EROFS', 'ERR_FILE_ACCESS'],
    ['EMFILE', 'ERR_FILE_ACCESS'],
    ['EIO', 'ERR_FILE_ACCESS'],
    ['ENOENT', 'ERR_FILE_NOT_FOUND'],
  ])('%s becomes %s', (systemCode, code) => {
    const cause = Object.assign(new Error('raw'), { code: systemCode });
    expect(fileSystemError(cause, 'the/path', 'write')).toMatchObject({
      code,
      cause,
      message: expect.stringContaining('the/path'),
    });
  });

  test('leaves everything else alone', () => {
    const reason = new Error('aborted');
    expect(fileSystemError(reason, 'x', 'write')).toBe(reason);
    expect(fileSystemError('text', 'x', 'write')).toBe('text');
    const broken = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    expect(fileSystemError(broken, 'x', 'write')).toBe(broken);
  });

  (existsSync('/dev/full') ? test : test.skip)('recognises what a full disk really throws', async () => {
    const thrown: unknown = await writeFile('/dev/full', 'x').catch((error: unknown) =>
      fileSystemError(error, '/dev/full', 'write'),
    );
    expect(thrown).toMatchObject({ code: 'ERR_DISK_FULL', details: { path: '/dev/full' } });
  });
});
