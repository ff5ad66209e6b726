import type { Plugin } from '@thimble/core';
import { Bench } from './Bench.js';
import type { ConformanceOptions } from './ConformanceOptions.js';
import { conformanceRules, rulesNamed } from './conformanceRules.js';
import type { ConformanceRule } from './ConformanceRule.js';

/** A rule that a plugin breaks. */
export interface ConformanceViolation {
  /** The rule's name. */
  readonly rule: string;
  /** What was seen, as an error to throw. */
  readonly error: unknown;
}

/**
 * Holds a plugin against every rule, without a test framework. A plugin that cannot be installed is not looked at further.
 *
 * @param factory makes a new instance at each call
 * @throws ThimbleError ERR_ARGUMENT_INVALID for a rule that does not exist
 * @returns the rules it breaks; none for a plugin that conforms
 */
export async function checkPluginConformance(
  factory: () => Plugin,
  options: ConformanceOptions = {},
): Promise<ConformanceViolation[]> {
  const bench = new Bench(factory, options);
  const violations: ConformanceViolation[] = [];
  for (const rule of rulesNamed(options.rules)) {
    const error = await checkRule(rule, bench);
    if (error === undefined) continue;
    violations.push({ rule: rule.name, error: error.thrown });
    if (rule.name === 'installs') {
      const rollback = conformanceRules.find(({ name }) => name === 'rollback') as ConformanceRule;
      const left = await checkRule(rollback, bench);
      return left === undefined ? violations : [...violations, { rule: rollback.name, error: left.thrown }];
    }
  }
  return violations;
}

/** Checks one rule, and disposes what it opened. */
async function checkRule({ check }: ConformanceRule, bench: Bench): Promise<{ readonly thrown: unknown } | undefined> {
  try {
    await check(bench);
    return undefined;
  } catch (error) {
    return { thrown: error };
  } finally {
    await bench.close().catch(() => undefined);
  }
}
