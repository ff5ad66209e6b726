import { isList } from './isList.js';
import { refuseOption } from './refuseOption.js';

/**
 * Refuses an argument that lacks what is asked of it: the check of arguments that are objects of code, such as graphs, tensors and components.
 *
 * @param expected ends the sentence "expected …"
 * @throws ERR_ARGUMENT_INVALID naming the argument
 */
export function checkMembers(
  argument: string,
  value: unknown,
  expected: string,
  members: readonly (string | symbol)[],
): void {
  if (!isList(members)) refuseOption('members', members, 'a list of names');
  const given = (typeof value === 'object' || typeof value === 'function' ? value : null) as Readonly<
    Record<string | symbol, unknown>
  > | null;
  if (given === null || isList(value) || members.some((name) => given[name] === undefined || given[name] === null))
    refuseOption(argument, value, expected);
}
