import { refuseOption } from '../fields/refuseOption.js';
import { checkMembers } from '../fields/checkMembers.js';
import { Outline } from './Outline.js';
import type { Value } from './Value.js';

/**
 * Runs `body` as a segment named `name`: a graph of its own when a model is traced into an {@link Outline}, part of the
 * surrounding graph when it is traced into one graph.
 */
export function segment<I extends Record<string, Value | undefined>, O extends Record<string, Value>>(
  name: string,
  inputs: I,
  body: (inputs: I) => O,
): O {
  checkMembers('inputs', inputs, 'values by their names', []);
  if (typeof body !== 'function') refuseOption('body', body, 'a function');
  const scope = Object.values(inputs).find((value) => value !== undefined)?.scope;
  return scope instanceof Outline ? scope.segment(name, inputs, body) : body(inputs);
}
