import { describe, expect, test } from '@jest/globals';
import { scanJson } from '../../src/disk/scanJson.js';

const texts = [
  '{}',
  '[]',
  ' { "a" : [ 1 , -0.5e+3 , true , null , "\\u00e9\\n" ] } ',
  '"x"',
  '0',
  '{"a":{"a":1}}',
  '[[[]]]',
  '',
  '{',
  '[1,]',
  '{"a":1,}',
  '{"a" 1}',
  '{a:1}',
  '01',
  '1.',
  '+1',
  '.5',
  'NaN',
  '"\\x"',
  '"a\nb"',
  '"abc',
  'tru',
  '[1 2]',
  '{} x',
  "{'a':1}",
];

describe('scanJson', () => {
  test.each(texts)('accepts %j exactly where JSON.parse does', (text) => {
    let valid = true;
    try {
      JSON.parse(text);
    } catch {
      valid = false;
    }
    expect(scanJson(text) === undefined).toBe(valid);
  });

  test('says where the fault is', () => {
    expect(scanJson('{"a": [1, 2,, 3]}')).toEqual({ offset: 12, problem: 'expected a value, found ","' });
    expect(scanJson('{"a": 1')).toEqual({ offset: 7, problem: 'expected "," or "}", found the end' });
  });

  test('finds a key that is there twice, also when one is spelled with an escape', () => {
    expect(scanJson('{"a":1,"b":2,"\\u0061":3}')).toEqual({ offset: 13, problem: 'the key "a" is there twice' });
  });

  test('does not run out of stack on deep nesting', () => {
    expect(scanJson('['.repeat(100_000))?.problem).toBe('nested more than 256 levels deep');
  });
});
