import type { Plugin } from '@thimble/core';
import { Bench } from './Bench.js';
import type { ConformanceOptions } from './ConformanceOptions.js';
import { rulesNamed } from './conformanceRules.js';
import { findTestFramework, type TestFramework } from './findTestFramework.js';

/** How long one rule may take, in milliseconds. */
const TIMEOUT = 60_000;

/** Options of {@link runPluginConformance}. */
export interface RunConformanceOptions extends ConformanceOptions, Partial<TestFramework> {
  /** Title of the tests. Default: the plugin's name. */
  readonly title?: string | undefined;
}

/**
 * Declares one test for each conformance rule, under `describe`. Works under jest, vitest and node:test: it finds `describe` and `test` where they are
 * global, and those of node:test; else give them (`import { describe, test } from 'vitest'`).
 *
 * @param factory makes a new instance at each call
 * @throws ThimbleError ERR_ARGUMENT_INVALID where there is no test framework, and for a rule that does not exist
 */
export function runPluginConformance(
  factory: () => Plugin,
  { title, describe, test, ...options }: RunConformanceOptions = {},
): void {
  const framework = findTestFramework({ describe, test });
  framework.describe(`${title ?? factory().name} conforms`, () => {
    const bench = new Bench(factory, options);
    for (const { name, summary, check } of rulesNamed(options.rules)) {
      framework.test(
        `${name}: ${summary}`,
        async () => {
          try {
            await check(bench);
          } finally {
            await bench.close();
          }
        },
        TIMEOUT,
      );
    }
  });
}
