import { describe, expect, test } from '@jest/globals';
import type { Plugin } from '@thimble/core';
import { checkPluginConformance } from '../src/index.js';
import { FAULTY_PLUGINS } from './faultyPlugins.js';

const rulesBroken = async (create: () => Plugin, options = {}): Promise<string[]> => (await checkPluginConformance(create, { device: 'inline', ...options })).map(({ rule }) => rule);

describe('a faulty plugin is caught by the name of the rule that it breaks', () => {
  test.each(FAULTY_PLUGINS.map((faulty) => [faulty.fault, faulty] as const))('one that %s', async (_, { breaks, create }) => {
    const tolerance = breaks.includes('tolerance') ? 0 : 1;
    expect(await rulesBroken(create, { tolerance })).toEqual(expect.arrayContaining([...breaks]));
  });
});

test('a plugin without fault breaks none', async () => {
  const create = (): Plugin => ({ name: 'test:plain', engines: { thimble: '*' }, apply: ({ hooks }) => void hooks.afterStep.tap('look', () => undefined) });
  expect(await rulesBroken(create)).toEqual([]);
});
