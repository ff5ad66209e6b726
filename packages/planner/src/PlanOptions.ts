import {
  booleanField,
  choiceField,
  eitherField,
  integerField,
  listField,
  numberField,
  objectField,
  optional,
  type OptionsOf,
  signalField,
  textField,
} from '@thimble/core/model';
import { QUALITIES } from './techniques/Setup.js';
import type { MachineSpeed } from './time/MachineSpeed.js';

const isSpeed = (value: unknown): boolean => {
  const { float32, int8, read } = (value ?? {}) as Partial<MachineSpeed>;
  return [float32, int8, read].every((rate) => typeof rate === 'number' && rate > 0);
};

/** What may be done to results. */
export const qualityField = choiceField('exact', QUALITIES);

/** How fast the machine is. */
export const machineField = objectField<MachineSpeed>('MachineSpeed', 'rates, as { float32, int8, read }', isSpeed);

/** The options of `planMemory`. */
export const planFields = {
  /** What both processes together may take: bytes, or a text such as '512MB'; 'none' = no limit. Default: the container's limit, if it has one. */
  memory: optional(eitherField(numberField(0, 0), textField(''))),
  /** Of a picture, in pixels. Default: the model's. */
  width: optional(integerField(1, 1)),
  height: optional(integerField(1, 1)),
  /** Pictures, or videos, in all. */
  count: integerField(1, 1),
  /** Frames of a video. Default: the model's. */
  numFrames: optional(integerField(1, 1)),
  /** Default: the model's. */
  numInferenceSteps: optional(integerField(1, 1)),
  /** The guidance scale; above 1 the denoiser looks at each picture twice. Default: the model's. */
  guidance: optional(numberField(0)),
  /** Files of LoRAs that will be used. */
  lora: listField(textField('', 'the path of a file', 1), 'a list of files'),
  /** Where it is computed. Elsewhere than on the CPU nothing is planned: the limit is this machine's memory. */
  device: textField('cpu', 'the name of a device', 1),
  /**
   * What may be done to results: nothing but rounding ('exact'), what is hard to see ('near': weights in eight bits, computing in eight bits, blended tiles), or what gives other
   * pictures ('lossy').
   */
  quality: qualityField,
  /** How fast the machine is, where it is not this one. Default: by the best of its measurements, which are kept in the cache's folder. */
  machine: machineField,
  /** Such as 'fp16'. */
  variant: optional(textField('', 'the name of a variant', 1)),
  /** A hub id's branch, tag or commit. */
  revision: optional(textField('', 'the name of a revision', 1)),
  /** For a file of weights; see `fromPretrained`. */
  config: optional(textField('', 'a folder, a hub id, or the name of a family', 1)),
  /** Whether links may lead out of the checkpoint's folder; see `fromPretrained`. */
  allowSymlinks: booleanField(false),
  /** Never ask the hub, only its cache. */
  localFilesOnly: booleanField(false),
  signal: signalField(),
};

/** Options of `planMemory`. */
export type PlanOptions = OptionsOf<typeof planFields>;
