/** Numbers at which something changes: of bytes, of types, of what JavaScript counts exactly. */
const NUMBERS = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  31n,
  32n,
  33n,
  127n,
  255n,
  256n,
  1023n,
  1025n,
  65_535n,
  65_536n,
  2n ** 20n,
  100_000_000n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 2n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];
/** What stands in the place of a value of JSON. */
const TEXTS = [
  '-1',
  '1.0',
  '1e3',
  '1e400',
  '-0',
  '01',
  '+1',
  'NaN',
  '9007199254740993',
  '18446744073709551616',
  'null',
  'true',
  '""',
  '"F32"',
  '[]',
  '{}',
  '[0]',
  '[[1]]',
  '{"a":{}}',
  '"\\ud800"',
  '"\\u0000"',
  '[4294967295,4294967295]',
  '[0,9007199254740991]',
  '['.repeat(300),
  '',
];
/** Names of tensors and fields: those that objects have already, those that mean something, and none. */
const NAMES = [
  '',
  '__proto__',
  'constructor',
  'toString',
  '__metadata__',
  'dtype',
  'shape',
  'data_offsets',
  'v_pred',
  'a'.repeat(70_000),
  '\\u0000',
  '\\ud800',
  '../x',
  'blk.0.attn_q_norm.weight',
];
const DTYPES = [
  'F64',
  'F32',
  'F16',
  'BF16',
  'F8_E4M3',
  'F8_E5M2',
  'F4',
  'I64',
  'I8',
  'U8',
  'BOOL',
  'C64',
  'Q4_0',
  'I8_ROWS',
  'f32',
  '',
];

/** Spoils a draft once or twice: see {@link spoilBytes}; a header of JSON mostly as such. */
export function spoilHeader(draft, isJson, random) {
  let spoiled = draft;
  for (let more = random.below(2); more >= 0; more--)
    spoiled = isJson && random.below(3) > 0 ? spoilSafetensors(spoiled, random) : spoilBytes(spoiled, random);
  return spoiled;
}

/** A draft, spoiled: `{ head, size }`, the first bytes of a file and how long it is; zeros come behind. Changes what it is given. */
function spoilBytes(draft, random) {
  return random.of([changeBytes, putNumber, putNumber, changeType, cut, grow, removeBytes, repeatBytes])(draft, random);
}

/** The same for a header of JSON behind its length. */
function spoilSafetensors(draft, random) {
  const text = draft.head.subarray(8).toString('latin1');
  const spoil = random.of([
    replaceValue,
    replaceValue,
    replaceName,
    numberInName,
    replaceDtype,
    repeatEntry,
    removeText,
    changeLength,
  ]);
  if (spoil === changeLength) return changeLength(draft, random);
  return withText(draft, spoil(text, random), random);
}

/** The header with another text, its length told, and mostly the same data. */
function withText({ head, size }, text, random) {
  const json = Buffer.from(text, 'latin1');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const changed = Buffer.concat([length, json]);
  return {
    head: changed,
    size: random.oneIn(8) ? size : Math.max(changed.length, size + changed.length - head.length),
  };
}

/** A match of a pattern somewhere in a text is replaced. */
function replaceSome(text, pattern, random, replacement) {
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return text;
  const { index, 0: found } = random.of(matches);
  return text.slice(0, index) + replacement(found) + text.slice(index + found.length);
}

function replaceValue(text, random) {
  const other = () => (random.oneIn(2) ? random.of(TEXTS) : String(random.of(NUMBERS)));
  return replaceSome(text, /(?<=[:[,])(?:\d+|\[[\d,]*\]|"[A-Z]\w*"|\{[^{}]*\})/g, random, other);
}

function replaceName(text, random) {
  return replaceSome(text, /(?<=")[^"]+(?=":)/g, random, () => random.of(NAMES));
}

/** Blocks and layers are counted in names. */
function numberInName(text, random) {
  return replaceSome(text, /(?<=\.)\d+(?=\.)/g, random, () => String(random.of(NUMBERS)));
}

function replaceDtype(text, random) {
  return replaceSome(text, /(?<="dtype":")\w+/g, random, () => random.of(DTYPES));
}

function repeatEntry(text, random) {
  return replaceSome(text, /"[^"]+":\{[^{}]*\},/g, random, (entry) => entry + entry);
}

function removeText(text, random) {
  const at = random.below(text.length);
  return text.slice(0, at) + text.slice(at + 1 + random.below(random.oneIn(2) ? 3 : text.length - at));
}

function changeLength({ head, size }, random) {
  const other = random.oneIn(2) ? random.of(NUMBERS) : BigInt(Math.max(0, head.length - 8 + random.below(33) - 16));
  if (head.length >= 8) head.writeBigUInt64LE(other);
  return { head, size };
}

function changeBytes({ head, size }, random) {
  for (let more = random.below(4); more >= 0 && head.length > 0; more--)
    head[random.below(head.length)] = random.below(256);
  return { head, size };
}

/** Mostly where a small number stands already: counts, lengths, sizes and offsets are such. */
function putNumber({ head, size }, random) {
  const bytes = random.of([4, 8]);
  if (head.length < bytes) return { head, size };
  let at = random.below(head.length - bytes + 1);
  for (let tries = 0; tries < 200 && !isSmall(head, at, bytes); tries++) at = random.below(head.length - bytes + 1);
  const value = random.oneIn(8) ? BigInt(size) : random.of(NUMBERS);
  if (bytes === 4) head.writeUInt32LE(Number(value & 0xffff_ffffn), at);
  else head.writeBigUInt64LE(value, at);
  return { head, size };
}

function isSmall(head, at, bytes) {
  const value = bytes === 4 ? BigInt(head.readUInt32LE(at)) : head.readBigUInt64LE(at);
  return value > 0n && value < 2n ** 24n;
}

/** Types of GGUF's values and tensors are numbers below forty. */
function changeType({ head, size }, random) {
  if (head.length < 4) return { head, size };
  let at = random.below(head.length - 3);
  for (let tries = 0; tries < 200 && head.readUInt32LE(at) > 40; tries++) at = random.below(head.length - 3);
  head.writeUInt32LE(random.below(42), at);
  return { head, size };
}

function cut({ head, size }, random) {
  const end = random.oneIn(3) ? random.below(size) : random.below(head.length + 64);
  return { head: head.subarray(0, end), size: Math.min(size, end) };
}

function grow({ head, size }, random) {
  return { head, size: size + random.of([1, 7, 31, 32, 4096]) };
}

function removeBytes({ head, size }, random) {
  const at = random.below(head.length + 1);
  const count = Math.min(head.length - at, 1 + random.below(random.oneIn(2) ? 8 : 4096));
  return { head: Buffer.concat([head.subarray(0, at), head.subarray(at + count)]), size: size - count };
}

function repeatBytes({ head, size }, random) {
  const at = random.below(head.length + 1);
  const some = head.subarray(at, at + 1 + random.below(random.oneIn(2) ? 8 : 4096));
  return { head: Buffer.concat([head.subarray(0, at), some, head.subarray(at)]), size: size + some.length };
}
