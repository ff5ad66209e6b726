import type { Device } from '../device/Device.js';
import type { Convolution } from '../graph/passes/winograd/chooseConvolution.js';
import type { Hooks } from '../hooks/manifest.js';
import type { PluginHost } from '../extension/PluginHost.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';
import type { ModelIndex } from '../weights/ModelIndex.js';
import type { JsonObject } from '../disk/readJsonFile.js';
import type { Component } from '../execution/Component.js';
import type { EventSink } from './EventSink.js';
import type { RunLimits } from './runLimits.js';
import type { RunPreset } from './RunPreset.js';
import type { TurnQueue } from '../execution/TurnQueue.js';

/** What a pipeline is made of; put together when a checkpoint is opened. */
export interface PipelineParts {
  readonly index: ModelIndex;
  /** By their names in `model_index.json`: `unet`, `text_encoder_2`. */
  readonly components: Record<string, Component>;
  /** `scheduler`, and what other schedulers there are. */
  readonly schedulers: Readonly<Record<string, Scheduler>>;
  /** `tokenizer`, `tokenizer_2`. */
  readonly tokenizers: Readonly<Record<string, Tokenizer>>;
  readonly device: Device;
  readonly hooks: Hooks;
  readonly host: PluginHost;
  readonly turns: TurnQueue;
  /** What both processes together may take, in bytes. */
  readonly memoryLimit?: number | undefined;
  /** How 3×3 convolutions are computed on the CPU. Default 'winograd'. */
  readonly convolution?: Convolution | undefined;
  /** What a run may ask for. */
  readonly limits: RunLimits;
  /** Where components and plugins report to: the run that is going on, or the next one. */
  readonly events: EventSink;
  /** What a run takes where nothing is said, of a checkpoint that is known to be distilled. */
  readonly preset?: RunPreset | undefined;
  /** Makes a scheduler of core or of a plugin by its name, from a config with other fields in place of its own. */
  readonly createScheduler: (name: string, config: JsonObject, overrides: JsonObject) => Scheduler;
}

/** Something that a checkpoint holds under a name. */
export type PipelinePart = Component | Scheduler | Tokenizer;
