import type { ImageInput, PretrainedModel } from '@thimble/core';
import {
  booleanField,
  choiceField,
  eitherField,
  type Field,
  type FieldValues,
  numberField,
  objectField,
  optional,
  type OptionsOf,
  required,
  textField,
} from '@thimble/core/model';
import { imageField, readOptions, refuseOption } from '@thimble/core/plugin';

/** What makes a ControlNet's picture of any other. */
const PREPROCESSORS = ['none', 'canny'] as const;

const pretrained = objectField<PretrainedModel>(
  'PretrainedModel',
  'what ControlNetModel.fromPretrained gave',
  (value) => typeof value === 'object' && value !== null && 'model' in value && 'checkpoint' in value,
) as Field<PretrainedModel>;

/** Others than Canny are models of their own. */
const preprocessor: Field<(typeof PREPROCESSORS)[number]> = {
  ...choiceField('none', PREPROCESSORS),
  expected:
    '"none" or "canny"; pictures of depths, poses and the like are made by models of their own: give one that is made already',
};

const share = (value: number): Field<number> => numberField(value, 0, 1);

/** The options of one ControlNet. */
export const controlNetFields = {
  /** A folder in diffusers' layout, a hub id, a file, also with the original keys, or what `ControlNetModel.fromPretrained` gave. */
  model: required(eitherField(textField('', 'a folder, a hub id or a file', 1), pretrained)),
  /** Its picture, where a run's `controlImage` names none. */
  image: imageField('an Image, a path, the bytes of a picture, or a float32 Tensor [n, 3, height, width]'),
  /** What makes its picture of the one given: `canny` draws the edges of any picture. Default 'none': it is one already. */
  preprocessor,
  /** Weight of what it adds to the UNet's hidden states. Default 1; 0 leaves it out. */
  conditioningScale: numberField(1),
  /** From which share of the steps on it counts. Default 0. */
  controlGuidanceStart: share(0),
  /** Up to which share of the steps it counts. Default 1. */
  controlGuidanceEnd: share(1),
  /** It sees the half with the prompt alone, and deep layers count for more than shallow ones, so that it also works without a prompt; a guidance of 3 to 5 is recommended. */
  guessMode: booleanField(false),
  /** The model's folder in the checkpoint. */
  subfolder: optional(textField('', 'the name of a folder', 1)),
  /** Such as 'fp16'. Default: as the pipeline. */
  variant: optional(textField('', "a variant, such as 'fp16'", 1)),
  /** A hub id's branch, tag or commit. */
  revision: optional(textField('', 'a branch, tag or commit', 1)),
  /** For a file: a folder or a hub id with its config, in place of what its tensors show. */
  config: optional(textField('', 'a folder or a hub id', 1)),
  /** Never ask the hub, only its cache. */
  localFilesOnly: booleanField(false),
};

/** Options of one ControlNet. */
export type ControlNetOptions = OptionsOf<typeof controlNetFields>;

/** The same, checked, with defaults. */
export type ControlNetSettings = FieldValues<typeof controlNetFields> & {
  readonly model: string | PretrainedModel;
  readonly image: ImageInput | readonly ImageInput[] | undefined;
};

/** @throws ERR_ARGUMENT_INVALID for what is neither one ControlNet nor a list of them, an unknown option, one out of range, and an interval without a length */
export function checkControlNets(
  given: ControlNetOptions | readonly ControlNetOptions[],
): readonly ControlNetSettings[] {
  const list: readonly ControlNetOptions[] = isList(given) ? given : [given];
  if (list.length === 0) refuseOption('nets', given, 'a ControlNet, or a list of them');
  return list.map((options) => {
    const settings = readOptions(options, controlNetFields, 'ControlNetPlugin') as ControlNetSettings;
    checkInterval(settings.controlGuidanceStart, settings.controlGuidanceEnd);
    return settings;
  });
}

/** @throws ERR_ARGUMENT_INVALID for an end that is not after the start */
export function checkInterval(start: number, end: number): void {
  if (start >= end) refuseOption('controlGuidanceStart', start, `less than controlGuidanceEnd, ${end}`);
}

function isList(given: ControlNetOptions | readonly ControlNetOptions[]): given is readonly ControlNetOptions[] {
  return Array.isArray(given);
}
