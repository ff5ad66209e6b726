import { ThimbleError } from '@thimble/core';
import type { ConformanceRule } from './ConformanceRule.js';
import { abort } from './rules/abort.js';
import { deviceFreed } from './rules/deviceFreed.js';
import { disposal } from './rules/disposal.js';
import { failedRun } from './rules/failedRun.js';
import { filesClosed } from './rules/filesClosed.js';
import { identity } from './rules/identity.js';
import { installs } from './rules/installs.js';
import { latentsUntouched } from './rules/latentsUntouched.js';
import { listenersRemoved } from './rules/listenersRemoved.js';
import { membersRestored } from './rules/membersRestored.js';
import { outputRestored } from './rules/outputRestored.js';
import { reinstalls } from './rules/reinstalls.js';
import { rollback } from './rules/rollback.js';
import { runsIndependent } from './rules/runsIndependent.js';
import { tapsRemoved } from './rules/tapsRemoved.js';
import { timersCleared } from './rules/timersCleared.js';
import { tolerance } from './rules/tolerance.js';
import { twoPipelines } from './rules/twoPipelines.js';

/** What holds for every plugin, in the order in which it is checked. */
export const conformanceRules: readonly ConformanceRule[] = [
  identity,
  installs,
  rollback,
  tapsRemoved,
  deviceFreed,
  filesClosed,
  timersCleared,
  listenersRemoved,
  membersRestored,
  outputRestored,
  tolerance,
  runsIndependent,
  latentsUntouched,
  reinstalls,
  failedRun,
  abort,
  twoPipelines,
  disposal,
];

/**
 * The rules of these names, in the order in which they are checked; all where none are named.
 *
 * @throws ThimbleError ERR_ARGUMENT_INVALID for a rule that does not exist
 */
export function rulesNamed(names?: readonly string[]): readonly ConformanceRule[] {
  if (names === undefined) return conformanceRules;
  const known = conformanceRules.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'rules',
      value: unknown,
      expected: `only ${known.join(', ')}`,
    });
  return conformanceRules.filter(({ name }) => names.includes(name));
}
