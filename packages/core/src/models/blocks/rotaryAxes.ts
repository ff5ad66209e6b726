import { builderOf, concat, gather } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { listed, numbered } from './samples.js';

/** Cosines and sines of tokens, [tokens, d / 2]: one for each pair of a head's features. */
export interface Rotation {
  readonly cosines: Value;
  readonly sines: Value;
}

/** Where tokens are: on each axis the position of each token. */
export type AxisPositions = readonly (readonly number[])[];

/** How a head's features are shared out among axes. */
export interface RotaryAxes {
  /** Features of a head that tell the position on each axis; even numbers. */
  readonly dims: readonly number[];
  /** The smallest frequency's inverse, about. */
  readonly base: number;
  /** Whether angles are rounded to float32 before their cosines are taken, as some models of diffusers do. */
  readonly roundAngles: boolean;
}

/**
 * The tables by which the features of tokens with positions on several axes are turned (source: diffusers models/embeddings.py, `get_1d_rotary_pos_embed`). The graph holds
 * those of each position on each axis once, and gathers the tokens' own.
 *
 * @param at a value of the graph they are for
 */
export function rotaryAxes(at: Value, positions: AxisPositions, { dims, base, roundAngles }: RotaryAxes): Rotation {
  const tables = dims.map((features, axis) => {
    const own = positions[axis] as readonly number[];
    const distinct = [...new Set(own)];
    const placeOf = new Map(distinct.map((position, i) => [position, i]));
    const rows = own.map((position) => placeOf.get(position) as number);
    const angles = distinct.flatMap((position) => anglesOf(position, features, base, roundAngles));
    const table = (of: (angle: number) => number): Value =>
      gather(builderOf(at).constant('float32', [distinct.length, features / 2], angles.map(of)), 0, rows);
    return { cosines: table(Math.cos), sines: table(Math.sin) };
  });
  return {
    cosines: concat(
      tables.map(({ cosines }) => cosines),
      1,
    ),
    sines: concat(
      tables.map(({ sines }) => sines),
      1,
    ),
  };
}

function anglesOf(position: number, features: number, base: number, rounded: boolean): number[] {
  return Array.from({ length: features / 2 }, (_, i) => {
    const angle = position / base ** ((2 * i) / features);
    return rounded ? Math.fround(angle) : angle;
  });
}

/** Rotations as inputs or outputs of a segment. */
export function numberedRotations(name: string, rotations: readonly Rotation[]): Record<string, Value> {
  return {
    ...numbered(
      `${name}.cosines`,
      rotations.map(({ cosines }) => cosines),
    ),
    ...numbered(
      `${name}.sines`,
      rotations.map(({ sines }) => sines),
    ),
  };
}

/** The rotations that {@link numberedRotations} named. */
export function listedRotations(
  name: string,
  values: Readonly<Record<string, Value | undefined>>,
): readonly Rotation[] {
  const sines = listed(`${name}.sines`, values);
  return listed(`${name}.cosines`, values).map((cosines, i) => ({ cosines, sines: sines[i] as Value }));
}
