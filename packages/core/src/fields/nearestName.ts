/**
 * The one of `known` that `name` was probably meant to be: spelled nearly so, or a part of it (`steps` of `numInferenceSteps`, rather than of `timesteps`: a whole word), or of the same words
 * (`cfgScale` and `guidanceScale`). Undefined where none is near.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((candidate) => ({ candidate, distance: distanceOf(name, candidate) }));
  const nearest = ranked.reduce<(typeof ranked)[number] | undefined>(
    (best, next) => (next.distance < (best?.distance ?? FARTHEST) ? next : best),
    undefined,
  );
  return nearest?.candidate;
}

/** Names as far apart as this have nothing to do with one another. */
const FARTHEST = 1;

/** From 0 for the same letters to 1 for nothing in common. */
function distanceOf(name: string, candidate: string): number {
  const [a, b] = [lettersOf(name), lettersOf(candidate)];
  if (a === b) return 0;
  const longest = Math.max(a.length, b.length);
  const spelling = editDistance(a, b) / longest;
  if (spelling <= 0.34) return spelling;
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a];
  if (wordsOf(name).join() === a && wordsOf(candidate).includes(a)) return 0.3 + (0.1 * (longest - a.length)) / longest;
  if (shorter.length >= 3 && longer.includes(shorter)) return 0.4 + (0.2 * (longest - shorter.length)) / longest;
  const shared = wordsOf(name).filter((word) => word.length >= 3 && wordsOf(candidate).includes(word));
  return shared.length > 0 ? 0.9 - (0.2 * shared.join('').length) / longest : FARTHEST;
}

function lettersOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9+]/g, '');
}

function wordsOf(name: string): string[] {
  return (name.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).map((word) => word.toLowerCase());
}

/** How many letters have to be put in, taken out or changed, after Levenshtein. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
