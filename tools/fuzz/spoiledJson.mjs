import fc from 'fast-check';
import { oddJsonValues, oddTexts, rarely } from './oddValues.mjs';

/** What no JavaScript value is written as. */
const RAW = fc.constantFrom(
  '1e400',
  '-0',
  '1.0',
  '01',
  'NaN',
  'Infinity',
  '-Infinity',
  '9007199254740993',
  '18446744073709551616',
  '',
  '['.repeat(300),
  '"\\ud800"',
  '"\\u0000"',
  '{"a":1,"a":2}',
);
/** Of the same kind as what stands there: what a check may pass. */
const NUDGES = fc.constantFrom(
  'double',
  'half',
  'more',
  'less',
  'negative',
  'zero',
  'text',
  'list',
  'shorter',
  'longer',
  'other',
);

const edits = fc.record({
  at: fc.nat(),
  to: fc.nat(),
  change: fc.oneof(
    {
      weight: 4,
      arbitrary: oddJsonValues.map((value) => ({ kind: 'replace', text: JSON.stringify(value) ?? 'null' })),
    },
    { weight: 4, arbitrary: NUDGES.map((nudge) => ({ kind: 'nudge', nudge })) },
    { weight: 1, arbitrary: RAW.map((text) => ({ kind: 'replace', text })) },
    { weight: 1, arbitrary: fc.constant({ kind: 'remove' }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'repeat' }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'exchange' }) },
    { weight: 1, arbitrary: oddTexts.map((name) => ({ kind: 'rename', name })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(oddTexts, oddJsonValues)
        .map(([name, value]) => ({ kind: 'add', name, text: JSON.stringify(value) ?? 'null' })),
    },
  ),
});
const cuts = rarely(
  12,
  fc.record({ at: fc.nat(), remove: fc.integer({ min: 0, max: 20 }), insert: fc.string({ maxLength: 3 }) }),
);

/**
 * Texts near to given JSON documents: with up to three of their values changed, and now and then letters of the text.
 *
 * @param {readonly { name: string, text: string }[]} originals
 * @returns an arbitrary of `{ name, text }`
 */
export function spoiledJson(originals) {
  return fc
    .record({
      original: fc.nat({ max: originals.length - 1 }),
      changes: fc.array(edits, { minLength: 1, maxLength: 3 }),
      cut: cuts,
    })
    .map(({ original, changes, cut }) => {
      const { name, text } = originals[original];
      const root = { child: read(JSON.parse(text)) };
      for (const change of changes) apply(root, change);
      return { name, text: cutText(write(root.child), cut) };
    });
}

function cutText(text, cut) {
  if (cut === undefined) return text;
  const at = cut.at % (text.length + 1);
  return text.slice(0, at) + cut.insert + text.slice(at + cut.remove);
}

/** A tree in which keys may be there twice and numbers be what JSON does not allow. */
function read(value) {
  if (Array.isArray(value)) return { items: value.map((item) => ({ child: read(item) })) };
  if (typeof value === 'object' && value !== null)
    return { entries: Object.entries(value).map(([name, item]) => ({ name, child: read(item) })) };
  return { text: JSON.stringify(value) };
}

function write({ items, entries, text }) {
  if (items !== undefined) return `[${items.map(({ child }) => write(child)).join(',')}]`;
  if (entries !== undefined)
    return `{${entries.map(({ name, child }) => `${JSON.stringify(name)}:${write(child)}`).join(',')}}`;
  return text;
}

/** All places of values, outermost first. */
function placesIn(place, found = [], siblings) {
  found.push({ place, siblings });
  const inner = place.child.items ?? place.child.entries ?? [];
  for (const each of inner) placesIn(each, found, inner);
  return found;
}

function apply(root, { at, to, change }) {
  const places = placesIn(root);
  const { place, siblings } = places[at % places.length];
  const index = siblings?.indexOf(place) ?? -1;
  switch (change.kind) {
    case 'replace':
      place.child = { text: change.text };
      break;
    case 'nudge':
      place.child = nudged(place.child, change.nudge, places[to % places.length].place.child);
      break;
    case 'remove':
      siblings?.splice(index, 1);
      break;
    case 'repeat':
      siblings?.splice(index, 0, { ...place });
      break;
    case 'exchange':
      place.child = places[to % places.length].place.child;
      if (contains(place.child, place)) place.child = { text: '[]' };
      break;
    case 'rename':
      if (place.name !== undefined) place.name = change.name;
      break;
    case 'add':
      (place.child.entries ?? place.child.items)?.push({ name: change.name, child: { text: change.text } });
  }
}

function contains(child, place) {
  return (child.items ?? child.entries ?? []).some((each) => each === place || contains(each.child, place));
}

function nudged(child, nudge, other) {
  if (child.items !== undefined) {
    if (nudge === 'shorter') return { items: child.items.slice(0, -1) };
    if (nudge === 'longer') return { items: [...child.items, ...child.items.slice(-1)] };
    return nudge === 'zero' ? { items: [] } : (child.items[0]?.child ?? child);
  }
  if (child.entries !== undefined) return { entries: child.entries.slice(0, -1) };
  if (nudge === 'list') return { items: [{ child }] };
  if (nudge === 'other' && other.text !== undefined) return other;
  const value = parse(child.text);
  if (typeof value === 'number') return { text: JSON.stringify(nudgedNumber(value, nudge)) };
  if (typeof value === 'boolean') return { text: String(!value) };
  if (typeof value !== 'string') return { text: '0' };
  const texts = {
    shorter: value.slice(0, -1),
    longer: `${value}2`,
    zero: '',
    double: value + value,
    negative: value.toUpperCase(),
  };
  return { text: JSON.stringify(texts[nudge] ?? value.toLowerCase()) };
}

function nudgedNumber(value, nudge) {
  const numbers = {
    double: value * 2,
    half: value / 2,
    more: value + 1,
    less: value - 1,
    negative: -value,
    zero: 0,
    text: String(value),
    longer: value * 1e6,
  };
  return numbers[nudge] ?? value * 3;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
