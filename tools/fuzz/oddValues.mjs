import fc from 'fast-check';

/** Numbers at which something changes. */
export const oddNumbers = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(0, -0, 1, -1, 2, 3, 7, 8, 9, 64, 100, 0.5, 1.5, -0.5, 1e-9, 1e3, 1e6, 1e9, 1e12, 1e308),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      NaN,
      Infinity,
      -Infinity,
      5e-324,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32,
      2 ** 53 - 1,
      2 ** 53,
      2 ** 64,
    ),
  },
  { weight: 1, arbitrary: fc.integer({ min: -20, max: 2000 }) },
  { weight: 1, arbitrary: fc.double() },
);

/** Texts that mean something somewhere, and any. */
export const oddTexts = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\n',
    '\u001b[31m',
    '\u202e',
    '😀',
    '\ud800',
    '.',
    '..',
    '../x',
    '../../../../etc/passwd',
    '/etc/passwd',
    '/dev/zero',
    '/proc/self/mem',
    '/proc/kmsg',
    '~',
    '$HOME',
    '-',
    '--',
    '__proto__',
    'constructor',
    'toString',
    'length',
    'null',
    'true',
    '0',
    '-1',
    '1e400',
    'NaN',
    'auto',
    'none',
    'fp16',
    'cpu',
    'float32',
    '64x64',
    '0x0',
    '1,2,3',
    'a,b',
    '1GB',
    '99999999999GB',
    '0B',
    'file:///etc/passwd',
    'http://127.0.0.1:1/',
    'owner/name',
    'owner/name:x.safetensors',
    'a'.repeat(300),
    'a'.repeat(5000),
    '%s%n',
    'x;rm -rf',
    '`x`',
    '(a:1.5)',
    '((((',
    'a:b:c',
    'x=1',
    '=',
    '{"a":1}',
    '[',
    'euler',
    'ddim',
    'dpm++_2m_karras',
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

/** Values that JSON has. */
export const oddJsonValues = fc.oneof(
  fc.constantFrom(null, true, false),
  oddNumbers,
  oddTexts,
  fc.array(fc.oneof(oddNumbers, oddTexts, fc.constant(null)), { maxLength: 4 }),
  fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(oddNumbers, oddTexts), { maxKeys: 3 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values that only a program can give. Made anew each time: one that is changed is not the next one's. */
const foreignValues = fc
  .constantFrom(
    () => undefined,
    () => 7n,
    () => Symbol('x'),
    () => () => undefined,
    () => async () => undefined,
    () => Object.create(null),
    () => new Map([['a', 1]]),
    () => new Set([1]),
    () => new Date(NaN),
    () => /x/,
    () => new Uint8Array(3),
    () => new Float32Array([1, NaN]),
    () => new ArrayBuffer(8),
    () => new Proxy({}, {}),
    () => Promise.resolve(1),
    () => new Error('x'),
    () => Object.assign([], { length: 3 }),
    () => new URL('file:///nowhere'),
    () => {
      const cyclic = { a: 1 };
      cyclic.self = cyclic;
      return cyclic;
    },
    () => ({ type: 'float32', dims: [1, 4, 8, 8], data: new Float32Array(256) }),
    () => ({ width: 8, height: 8, channels: 3, data: new Uint8Array(192) }),
    () => ({ randn: () => undefined }),
    () => ({ aborted: false }),
    () => ({ name: 'x', apply: () => undefined }),
  )
  .map((make) => make());

/** Anything at all. */
export const oddValues = fc.oneof(
  { weight: 4, arbitrary: oddJsonValues },
  { weight: 2, arbitrary: foreignValues },
  { weight: 1, arbitrary: fc.array(foreignValues, { maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.anything({
      withBigInt: true,
      withTypedArray: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
      maxDepth: 2,
    }),
  },
);

/** Nothing, and once in `n` times something. */
export function rarely(n, arbitrary) {
  return fc.oneof({ weight: n - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}
