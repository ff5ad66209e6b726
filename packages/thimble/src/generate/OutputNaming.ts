import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { usage } from '../usage.js';
import { formatOfPath } from './FileFormat.js';
import { fileNameOf } from './fileNameOf.js';

/** One picture or video of a run, as far as its file's name depends on it. */
export interface PictureLabel {
  readonly prompt: string;
  readonly seed: number | undefined;
  /** From 1, over the whole run. */
  readonly index: number;
}

/** What `--output` says for the standard output. */
export const STANDARD_OUTPUT = '-';
const DEFAULT_FOLDER = 'out';
const DEFAULT_NAME = '{prompt}-{seed}';
const LONGEST_SEED = 2 ** 32 - 1;
const PLACEHOLDERS = ['prompt', 'seed', 'index'] as const;

/** How the files of a run are called: what `--output` and `--format` ask for. */
export interface OutputNaming<F extends string> {
  readonly format: F;
  /** The folder the files go to; for a pattern, the part that is the same for all. */
  pathOf(label: PictureLabel): string;
}

/**
 * Makes sense of `--output`: `-`, a file, a folder, or a pattern with `{prompt}`, `{seed}` or `{index}`.
 *
 * @param formats those that there are; the first is the default
 * @param things what is written, for messages: pictures, videos
 * @throws ERR_USAGE
 */
export function outputNaming<F extends string>(
  output: string | undefined,
  format: F | undefined,
  formats: readonly [F, ...F[]],
  things: string,
): OutputNaming<F> {
  if (output === '') usage('--output is empty; give a file, a folder, or a pattern such as "cats/{seed}.png"');
  if (output === STANDARD_OUTPUT) return { format: format ?? formats[0], pathOf: () => STANDARD_OUTPUT };
  if (output === undefined || isFolder(output)) return inFolder(output ?? DEFAULT_FOLDER, format ?? formats[0]);
  const named = formatOfPath(output, formats);
  if (named === undefined)
    usage(
      `--output ${output}: ${things} are written as ${formats.join(', ')}; end the name in one of these, or in "/" for a folder`,
    );
  if (format !== undefined && format !== named)
    usage(`--output ${output} asks for ${named}, and --format for ${format}; drop one of them`);
  checkPlaceholders(output);
  return { format: named, pathOf: (label) => fill(output, label) };
}

function inFolder<F extends string>(folder: string, format: F): OutputNaming<F> {
  return { format, pathOf: (label) => join(folder, `${fill(DEFAULT_NAME, label)}.${format}`) };
}

function isFolder(output: string): boolean {
  if (/[/\\]$/.test(output)) return true;
  if (existsSync(output) && statSync(output).isDirectory()) return true;
  return !/\.[^./\\{}]+$/.test(output) && !output.includes('{');
}

function checkPlaceholders(pattern: string): void {
  for (const [, name] of pattern.matchAll(/\{(\w*)\}/g)) {
    if (!PLACEHOLDERS.some((known) => known === name))
      usage(
        `--output ${pattern}: there is no {${name}}; there are ${PLACEHOLDERS.map((known) => `{${known}}`).join(', ')}`,
      );
  }
}

function fill(pattern: string, { prompt, seed, index }: PictureLabel): string {
  const values: Readonly<Record<string, string>> = {
    prompt: fileNameOf(prompt),
    seed: String(seed ?? index),
    index: String(index),
  };
  return pattern.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/**
 * Where the pictures of a run go, as far as that is known before it; a seed that is drawn counts as the longest.
 *
 * @param each pictures of each prompt
 */
export function expectedPaths(
  naming: OutputNaming<string>,
  prompts: readonly string[],
  each: number,
  seed: unknown,
): readonly string[] {
  const paths = prompts.flatMap((prompt, at) =>
    Array.from({ length: each }, (_, i) => {
      const index = at * each + i;
      const one = Array.isArray(seed) ? (seed[index] as unknown) : seed;
      return naming.pathOf({ prompt, seed: Number(one ?? LONGEST_SEED), index: index + 1 });
    }),
  );
  return [...new Set(paths)];
}
