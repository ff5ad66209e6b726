import type { DiffusionPipeline } from '@thimble/core';

/** What properties of some objects are, by names such as `unet.call`: functions, values, getters. */
export type Members = ReadonlyMap<string, unknown>;

/** The properties of a pipeline, of its device, hooks and parts and of their models, with those of their classes. */
export function membersOf(pipe: DiffusionPipeline): Members {
  const { components, device, hooks, parts } = pipe;
  return new Map([
    ...Object.entries(parts),
    ...membersOfObject('pipe', pipe),
    ...membersOfObject('device', device),
    ...Object.entries(hooks).flatMap(([name, hook]) => membersOfObject(`hooks.${name}`, hook)),
    ...Object.values(components).flatMap(({ name, model }) => membersOfObject(`${name}.model`, model)),
    // What a scheduler remembers of a run changes with every step, what it does never.
    ...Object.entries(parts).flatMap(([name, part]) =>
      membersOfObject(name, part).filter(([, member]) => 'graph' in part || typeof member === 'function'),
    ),
  ]);
}

/** Names of what is something else in `after` than in `before`, or is in one of both alone. */
export function changedMembers(before: Members, after: Members): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter(
    (name) => before.has(name) !== after.has(name) || !Object.is(before.get(name), after.get(name)),
  );
}

/** Its own properties and those that it inherits, up to what the language itself gives; of two of one name the nearer one. */
function membersOfObject(name: string, object: object): (readonly [string, unknown])[] {
  const members = new Map<string, unknown>();
  for (let at: object = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (!members.has(`${name}.${key}`))
        members.set(`${name}.${key}`, 'value' in property ? property.value : (Reflect.get(property, 'get') as unknown));
  return [...members];
}
