import type { RunShape } from './model/RunShape.js';
import type { Alternative } from './Plan.js';
import type { InstalledPlugin } from './techniques/combinations.js';
import { techniques } from './techniques/techniques.js';

/** What a plan was made for. */
interface PlanGround {
  readonly run: RunShape;
  readonly limitBytes: number | undefined;
  readonly installed: readonly InstalledPlugin[];
}

/** A plan in words. */
export function linesOf(
  plan: Omit<Alternative, 'fits'>,
  { run, limitBytes, installed }: PlanGround,
): readonly string[] {
  const around = installed.filter(({ name }) => techniques.some(({ plugin }) => plugin === name));
  return [
    `${shapeText(run)} within ${limitBytes === undefined ? 'what there is' : megabytes(limitBytes)}: ${plan.techniques.join(', ') || 'no plugins'}`,
    `takes about ${megabytes(plan.peakBytes)} and ${secondsText(plan.seconds)}${plan.quality === 'exact' ? '' : `; results are ${plan.quality === 'near' ? 'near to exact ones' : 'others than exact ones'}`}`,
    ...(around.length === 0 ? [] : [`planned around ${around.map(({ name }) => name).join(', ')}`]),
  ];
}

/** `2 pictures of 512×512, 20 steps` */
export function shapeText({ width, height, frames, count, steps }: RunShape): string {
  const thing = frames > 1 ? `video of ${frames} frames of` : 'picture of';
  const things = count === 1 ? `a ${thing}` : `${count} ${thing.replace(/^\w+/, '$&s')}`;
  return `${things} ${width}×${height}, ${steps} ${steps === 1 ? 'step' : 'steps'}`;
}

/** `512 MB`, `1.5 GB` */
export function megabytes(bytes: number): string {
  const mb = bytes / 2 ** 20;
  return mb < 1024 ? `${Math.round(mb)} MB` : `${Number((mb / 1024).toFixed(1))} GB`;
}

/** `45 s`, `12 min` */
export function secondsText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}
