import { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../fields/refuseOption.js';

/** Height and width in pixels, or top and left. */
type Pair = readonly [number, number];

/** What SDXL is conditioned on beside texts: sizes of the picture, and how beautiful it is. */
export interface PictureConditions {
  readonly width: number;
  readonly height: number;
  readonly originalSize: Pair | undefined;
  readonly cropsCoordsTopLeft: Pair;
  readonly targetSize: Pair | undefined;
  readonly negativeOriginalSize: Pair | undefined;
  readonly negativeCropsCoordsTopLeft: Pair | undefined;
  readonly negativeTargetSize: Pair | undefined;
  readonly aestheticScore: number | undefined;
  readonly negativeAestheticScore: number | undefined;
}

/** Which conditions a model takes: sizes, or the score of a refiner in place of the target size; and whether pictures are made of nothing, or of others. */
export interface ConditionKind {
  readonly aesthetic: boolean;
  readonly fromImage: boolean;
}

const SCORE = 6;
const NEGATIVE_SCORE = 2.5;

/**
 * The `time_ids` of `count` pictures, float32 [count, 6 or 5]; with guidance [2 · count, …], those of the negative prompt first (source: diffusers
 * pipelines/stable_diffusion_xl, `_get_add_time_ids`).
 */
export function timeIds(conditions: PictureConditions, kind: ConditionKind, count: number, guided: boolean): Tensor {
  const positive = positiveIds(conditions, kind);
  const rows = Array.from({ length: count }, () => positive);
  if (guided) rows.unshift(...Array.from({ length: count }, () => negativeIds(conditions, kind, positive)));
  return new Tensor('float32', Float32Array.from(rows.flat()), [rows.length, positive.length]);
}

/** Refuses conditions that diffusers passes over in silence. @throws ERR_ARGUMENT_INVALID */
export function checkConditions(conditions: PictureConditions, { aesthetic, fromImage }: ConditionKind): void {
  const unused = (why: string, ...names: readonly (keyof PictureConditions)[]): void => {
    for (const name of names)
      if (conditions[name] !== undefined) refuseOption(name, conditions[name], `nothing: ${why}`);
  };
  if (aesthetic) return unused('this model is a refiner, which has no target size', 'targetSize', 'negativeTargetSize');
  unused('only refiners are conditioned on a score', 'aestheticScore', 'negativeAestheticScore');
  if (fromImage)
    return unused('from an image or latents on, both prompts have cropsCoordsTopLeft', 'negativeCropsCoordsTopLeft');
  const { negativeOriginalSize: original, negativeTargetSize: target } = conditions;
  if (original !== undefined && target !== undefined) return;
  const all = 'negativeOriginalSize and negativeTargetSize have effect only together';
  unused(all, 'negativeOriginalSize', 'negativeTargetSize', 'negativeCropsCoordsTopLeft');
}

function positiveIds(conditions: PictureConditions, { aesthetic }: ConditionKind): readonly number[] {
  const { width, height, originalSize, cropsCoordsTopLeft, targetSize, aestheticScore = SCORE } = conditions;
  const size = [height, width];
  return [...(originalSize ?? size), ...cropsCoordsTopLeft, ...(aesthetic ? [aestheticScore] : (targetSize ?? size))];
}

function negativeIds(
  conditions: PictureConditions,
  { aesthetic, fromImage }: ConditionKind,
  positive: readonly number[],
): readonly number[] {
  const { negativeOriginalSize, negativeTargetSize, negativeCropsCoordsTopLeft: crop = [0, 0] } = conditions;
  const original = negativeOriginalSize ?? positive.slice(0, 2);
  if (aesthetic) return [...original, ...crop, conditions.negativeAestheticScore ?? NEGATIVE_SCORE];
  const target = negativeTargetSize ?? positive.slice(4);
  const bothSizes = negativeOriginalSize !== undefined && negativeTargetSize !== undefined;
  return [...original, ...(fromImage || !bothSizes ? positive.slice(2, 4) : crop), ...target];
}
