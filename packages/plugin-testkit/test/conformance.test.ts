import { describe, expect, test } from '@jest/globals';
import type { Plugin } from '@thimble/core';
import { checkPluginConformance, type ConformanceOptions } from '../src/index.js';
import { FAULTY_PLUGINS } from './faultyPlugins.js';
import { LEAKY_PLUGINS } from './leakyPlugins.js';

const rulesBroken = async (create: () => Plugin, options: ConformanceOptions): Promise<string[]> =>
  (await checkPluginConformance(create, options)).map(({ rule }) => rule);

describe('a faulty plugin is caught by the name of the rule that it breaks', () => {
  test.each(FAULTY_PLUGINS.map((faulty) => [faulty.fault, faulty] as const))(
    'one that %s',
    async (_, { breaks, create }) => {
      const tolerance = breaks.includes('tolerance') ? 0 : 1;
      const broken = await rulesBroken(create, { device: 'fake', tolerance, rules: breaks });
      expect(broken.toSorted()).toEqual(breaks.toSorted());
    },
  );
});

describe('a plugin that leaves something is caught, and not its twin that does the same as it should be', () => {
  test.each(LEAKY_PLUGINS.map((leaky) => [leaky.fault, leaky] as const))(
    'one that %s',
    async (_, { breaks, create, twin, clean }) => {
      const options = { device: 'fake', tolerance: 1, rules: breaks } as const;
      expect((await rulesBroken(create, options)).toSorted()).toEqual(breaks.toSorted());
      clean?.();
      expect(await checkPluginConformance(twin, options)).toEqual([]);
    },
  );
});

test('rules are chosen by their names', async () => {
  const [{ breaks, create } = { breaks: [], create: (): Plugin => ({ name: '', apply: () => undefined }) }] =
    FAULTY_PLUGINS.filter((faulty) => faulty.breaks.includes('taps-removed'));
  expect(breaks).toContain('taps-removed');
  expect(await rulesBroken(create, { device: 'fake', rules: ['identity'] })).toEqual([]);
  expect(await rulesBroken(create, { device: 'fake', rules: ['taps-removed'] })).toEqual(['taps-removed']);
  await expect(rulesBroken(create, { rules: ['taps'] })).rejects.toMatchObject({
    code: 'ERR_ARGUMENT_INVALID',
    details: { argument: 'rules', value: 'taps' },
  });
});

test.each(['fake', 'inline'] as const)('a plugin without fault breaks none (%s device)', async (device) => {
  const create = (): Plugin => ({
    name: 'test:plain',
    engines: { thimble: '*' },
    apply: ({ hooks }) => void hooks.afterStep.tap('look', () => undefined),
  });
  expect(await rulesBroken(create, { device })).toEqual([]);
});
