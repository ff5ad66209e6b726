/**
 * The message of an error with `‹name›` where a detail of that name is filled in. Where a message depends on its details,
 * it is the one for details that are there, and lists of one.
 *
 * @param {(details: never) => string} message
 */
export function exampleMessage(message) {
  return message(new Proxy({}, { get: (_, name) => detail(`‹${String(name)}›`) }));
}

/** Stands for a text, a number or a list: whatever a message makes of it, it prints as `text`. */
function detail(text) {
  const self = new Proxy({}, { get: (_, name) => MEMBERS[name]?.(text, self) ?? (isIndex(name) ? self : undefined) });
  return self;
}

const MEMBERS = {
  [Symbol.toPrimitive]: (text) => () => text,
  [Symbol.iterator]: (_, self) => () => [self].values(),
  length: () => 1,
  toJSON: (text) => () => text,
  toString: (text) => () => text,
  join: (text) => () => text,
  map: (_, self) => (change) => [change(self, 0)],
  includes: () => () => false,
};

const isIndex = (name) => typeof name === 'string' && /^\d+$/.test(name);
