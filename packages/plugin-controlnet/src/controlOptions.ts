import type { ImageInput, OutputType } from '@thimble/core';
import {
  booleanField,
  described,
  eitherField,
  type Field,
  listField,
  numberField,
  optional,
  type OptionsOf,
} from '@thimble/core/model';
import { imageField, type InputPictures, refuseOption } from '@thimble/core/plugin';
import { checkInterval, type ControlNetSettings } from './ControlNetOptions.js';

/** What a run gives its ControlNets to look at. */
export type ControlImage = ImageInput | readonly (ImageInput | readonly ImageInput[])[];

const EXPECTED = 'an Image, a path, the bytes of a picture, or a float32 Tensor [n, 3, height, width]';

function oneEach<T>(field: Field<T>): Field<T | readonly T[] | undefined> {
  return optional(eitherField(field, listField(field, 'a list with one for each ControlNet')));
}

/** The options of a run that a `ControlNetPlugin` adds, under diffusers' names. */
export const controlRunFields = {
  /**
   * What the ControlNets look at: an `Image`, a path, the bytes of a PNG, JPEG, WebP or AVIF, or a tensor of pixels in [0, 1], float32 [n, 3, height, width]; of several ControlNets a list with one for
   * each. In place of one there may be a list with one for each prompt, or for each result. It is resized to the size of the run, which is that of the first picture where nothing else says it.
   */
  controlImage: described(
    eitherField(
      imageField(EXPECTED),
      listField(imageField(EXPECTED), 'of several ControlNets a list with one for each'),
    ) as Field<ControlImage | undefined>,
    { description: 'what the ControlNet looks at' },
  ),
  /** In place of the `conditioningScale` that the plugin was made with: one for all, or a list with one for each ControlNet. */
  controlnetConditioningScale: oneEach(numberField(1)),
  /** In place of the plugin's, as the next. */
  controlGuidanceStart: oneEach(numberField(0, 0, 1)),
  controlGuidanceEnd: oneEach(numberField(1, 0, 1)),
  /** In place of the plugin's. */
  guessMode: optional(booleanField(false)),
};

/** The options of a run that a `ControlNetPlugin` adds, under diffusers' names. */
export type ControlRunOptions = OptionsOf<typeof controlRunFields>;

declare module '@thimble/core' {
  interface GenerateOptions<O extends OutputType = OutputType> extends ControlRunOptions {}
}

/** How strongly a ControlNet counts in a run, and when. */
export interface ControlStrength {
  readonly scale: number;
  readonly start: number;
  readonly end: number;
  readonly guessMode: boolean;
}

/** What a run's hooks find of the options. */
export interface ControlValues {
  /** Of each ControlNet. */
  readonly controlImage: readonly InputPictures[];
  readonly controlnetConditioningScale: number | readonly number[] | undefined;
  readonly controlGuidanceStart: number | readonly number[] | undefined;
  readonly controlGuidanceEnd: number | readonly number[] | undefined;
  readonly guessMode: boolean | undefined;
}

/** The strength of each ControlNet, as the run says, and where it says nothing as the plugin was made. @throws ERR_ARGUMENT_INVALID for lists of another length, and intervals without one */
export function strengthsOf(nets: readonly ControlNetSettings[], values: ControlValues): readonly ControlStrength[] {
  const of = (
    name: 'controlnetConditioningScale' | 'controlGuidanceStart' | 'controlGuidanceEnd',
    own: 'conditioningScale' | 'controlGuidanceStart' | 'controlGuidanceEnd',
  ): readonly number[] => {
    const given = values[name];
    if (given === undefined) return nets.map((net) => net[own]);
    if (typeof given === 'number') return nets.map(() => given);
    if (given.length !== nets.length) refuseOption(name, given, `${nets.length} numbers, one for each ControlNet`);
    return given;
  };
  const scales = of('controlnetConditioningScale', 'conditioningScale');
  const starts = of('controlGuidanceStart', 'controlGuidanceStart');
  const ends = of('controlGuidanceEnd', 'controlGuidanceEnd');
  return nets.map((net, i) => {
    const [scale, start, end] = [scales[i] as number, starts[i] as number, ends[i] as number];
    checkInterval(start, end);
    return { scale, start, end, guessMode: values.guessMode ?? net.guessMode };
  });
}

/** What each ControlNet is to look at. @throws ERR_ARGUMENT_INVALID for a list of another length, and where a ControlNet has none */
export function sourcesOfNets(
  nets: readonly ControlNetSettings[],
  given: ControlImage | undefined,
): readonly (ImageInput | readonly ImageInput[])[] {
  const several = nets.length > 1;
  if (given !== undefined && several && !(isList(given) && given.length === nets.length))
    refuseOption(
      'controlImage',
      isList(given) ? `${given.length} pictures` : 'one picture',
      `a list with a picture for each of ${nets.length} ControlNets`,
    );
  const list = several && isList(given) ? given : [given];
  return nets.map(
    (net, i) =>
      (list[i] as ImageInput | readonly ImageInput[] | undefined) ??
      net.image ??
      refuseOption('controlImage', undefined, `${EXPECTED}, for each ControlNet`),
  );
}

function isList(given: ControlImage | undefined): given is readonly (ImageInput | readonly ImageInput[])[] {
  return Array.isArray(given);
}
