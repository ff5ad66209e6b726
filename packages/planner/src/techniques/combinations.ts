import type { RunShape } from '../model/RunShape.js';
import { PLAIN, QUALITIES, type Quality, type Setup } from './Setup.js';
import type { Technique } from './Technique.js';
import { techniques } from './techniques.js';

/** Techniques that go together. */
export interface Combination {
  readonly techniques: readonly Technique[];
  readonly setup: Setup;
  readonly quality: Quality;
}

/** A plugin that is installed already. */
export interface InstalledPlugin {
  readonly name: string;
  readonly claims?: readonly string[] | undefined;
}

/**
 * Every combination of techniques up to a quality, for a run beside plugins that are installed: what those change is as they have it, and stays.
 */
export function combinations(
  quality: Quality,
  run: RunShape,
  installed: readonly InstalledPlugin[] = [],
): readonly Combination[] {
  const fixed = installed.flatMap(({ name }) => techniques.find(({ plugin }) => plugin === name) ?? []);
  const names = new Set(installed.map(({ name }) => name));
  const claims = new Set(installed.flatMap((plugin) => plugin.claims ?? []));
  const base = fixed.reduce<Setup>(
    (setup, technique) => ({ ...setup, ...(technique.installed ?? technique.setup) }),
    PLAIN,
  );
  const free = techniques.filter(
    (technique) =>
      QUALITIES.indexOf(technique.quality) <= QUALITIES.indexOf(quality) &&
      !names.has(technique.plugin) &&
      !technique.claims?.some((claim) => claims.has(claim)) &&
      !fixed.some((other) => changesTheSame(technique, other)) &&
      (technique.suits?.(run) ?? true),
  );
  let all: readonly Combination[] = [{ techniques: [], setup: base, quality: 'exact' }];
  for (const technique of free)
    all = [
      ...all,
      ...all
        .filter(({ techniques: before }) => goesWith(technique, before))
        .map((each) => withTechnique(each, technique)),
    ];
  return all;
}

function goesWith(technique: Technique, others: readonly Technique[]): boolean {
  return !others.some((other) => other.plugin === technique.plugin || changesTheSame(technique, other));
}

function withTechnique({ techniques: before, setup, quality }: Combination, technique: Technique): Combination {
  const worse = QUALITIES.indexOf(technique.quality) > QUALITIES.indexOf(quality) ? technique.quality : quality;
  return { techniques: [...before, technique], setup: { ...setup, ...technique.setup }, quality: worse };
}

function changesTheSame(a: Technique, b: Technique): boolean {
  return Object.keys(a.setup).some((field) => field in b.setup);
}
