import { expect, test } from '@jest/globals';
import { parsePlainJson } from '../../src/disk/parsePlainJson.js';

test.each([
  '{}',
  '{"a": {"dtype": "F16", "shape": [1, 20], "data_offsets": [0, 40]}}',
  '{"1.5e3\\":": "-1", "a" : [true, null]}',
])('%s is plain', (text) => {
  expect(parsePlainJson(text)).toEqual(JSON.parse(text));
});

test.each([
  '{"a":1,"a":2}',
  '{"a":{"b":1,"b":1}}',
  '{"a":-1}',
  '{"a":4.0}',
  '{"a":1e2}',
  '{"a":1E2}',
  '[]',
  '',
  '{"a":1',
  '{a:1}',
  '"a"',
  `${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`,
])('%.20s has to be looked into', (text) => {
  expect(parsePlainJson(text)).toBeUndefined();
});
