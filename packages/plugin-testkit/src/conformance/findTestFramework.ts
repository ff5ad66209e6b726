import { ThimbleError } from '@thimble/core';

/** What jest, vitest and node:test have in common. */
export interface TestFramework {
  readonly describe: (title: string, body: () => void) => unknown;
  readonly test: (title: string, body: () => Promise<void>, timeout?: number) => unknown;
}

/** Set by `node --test` for the files that it runs. */
const NODE_TEST = 'NODE_TEST_CONTEXT';

/** The functions that are given, or the framework's own where they are global, or those of node:test under `node --test`. @throws ERR_ARGUMENT_INVALID */
export function findTestFramework(given: {
  readonly [Key in keyof TestFramework]: TestFramework[Key] | undefined;
}): TestFramework {
  const globals = globalThis as Partial<TestFramework>;
  const { describe = globals.describe, test = globals.test } = given;
  if (typeof describe === 'function' && typeof test === 'function') return { describe, test };
  if (process.env[NODE_TEST] !== undefined) return process.getBuiltinModule('node:test');
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'describe, test',
    value: undefined,
    expected: "functions of a test framework, as in import { describe, test } from 'vitest'",
  });
}
