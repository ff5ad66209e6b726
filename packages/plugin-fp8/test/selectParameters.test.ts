import { expect, test } from '@jest/globals';
import type { Layer, Parameter } from '@thimble/core/model';
import { selectParameters } from '../src/selectParameters.js';

/** Layers, from the names of their parameters: what is called a norm and has no linear layer in it is one. */
function layersOf(keys: readonly string[]): readonly Layer[] {
  const byPath = new Map<string, string[]>();
  for (const key of keys)
    byPath.set(key.replace(/\.\w+$/, ''), [...(byPath.get(key.replace(/\.\w+$/, '')) ?? []), key]);
  return [...byPath].map(([path, own]) => {
    const steps = path.split('.');
    const lineage = ['', ...steps.map((_, i) => steps.slice(0, i + 1).join('.'))].map((each) => ({
      path: each,
      pythonClass: each === path ? (/norm(_\w+)?$|norm\d?$/.test(path) ? 'LayerNorm' : 'Linear') : 'Module',
    }));
    return {
      lineage,
      parameters: Object.fromEntries(
        own.map((key) => [key.slice(path.length + 1), { key, shape: [] } as unknown as Parameter]),
      ),
    };
  });
}

test('with neither patterns nor classes everything is cast, norms too', () => {
  const keys = ['norm.weight', 'a.weight', 'a.bias'];
  expect(selectParameters(layersOf(keys), { patterns: null, classes: null })).toEqual(keys);
  expect(selectParameters(layersOf(keys), { patterns: null, classes: [] })).toEqual(['a.weight', 'a.bias']);
});
