import { expect, test } from '@jest/globals';
import { licenceProblems } from '../../../../tools/audit/licenceProblems.mjs';

const one = (name: string): { name: string; versions: string[] }[] => [{ name, versions: ['1.0.0'] }];

test.each([
  ['MIT', 'a', []],
  ['(MIT OR GPL-3.0-only)', 'a', []],
  ['Apache-2.0 AND MIT', 'a', []],
  ['Apache-2.0 AND GPL-3.0-only', 'a', ['a']],
  ['GPL-3.0-only', 'a', ['a']],
  ['Unknown', 'a', ['a']],
  ['LGPL-3.0-or-later', '@img/sharp-libvips-linux-x64', []],
  ['LGPL-3.0-or-later', 'a', ['a']],
  ['MPL-2.0', 'lightningcss', ['lightningcss']],
])('a package under %s: %s', (licence, name, refused) => {
  expect(licenceProblems({ [licence]: one(name) }).map((problem) => problem.split('@1.0.0')[0])).toEqual(refused);
});

test('tools may have others', () => {
  expect(licenceProblems({ 'MPL-2.0': one('lightningcss'), 'CC-BY-4.0': one('a') }, { tools: true })).toEqual([
    'a@1.0.0 has the licence CC-BY-4.0, which is not on the list',
  ]);
});
