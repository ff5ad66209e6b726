import type { Quality } from '@thimble/planner';
import type { TilingMode } from '@thimble/plugin-vae-tiling';
import type { PluginSpec } from '../plugins/parsePluginSpec.js';
import type { Convolution, PredictionType } from '@thimble/core';
import type { ComponentSetting } from './parseComponentSetting.js';
import type { IpAdapterSetting } from './parseIpAdapterSetting.js';
import type { ControlSetting } from './parseControlSetting.js';
import type { EmbeddingSetting } from './parseEmbeddingSetting.js';
import type { LoraSetting } from './parseLoraSetting.js';
import type { OptionSetting } from './parseOptionSetting.js';
import type { StepCacheSetting } from './parseStepCacheSetting.js';
import type { FileFormat } from './FileFormat.js';
import type { SchedulerFlags } from '../schedulers/SchedulerFlags.js';
import type { Size } from './parseSize.js';

/** The options of `thimble generate`, as commander parsed them, beside the flags of the pipeline's fields. */
export interface GenerateFlags extends SchedulerFlags {
  readonly model: string;
  /** The variable that named the model, where no flag did. */
  readonly modelVariable?: string;
  readonly variant?: string;
  readonly revision?: string;
  readonly offline?: boolean;
  readonly allowSymlinks?: boolean;
  readonly vae?: string;
  readonly component: readonly ComponentSetting[];
  readonly config?: string;
  readonly predictionType?: PredictionType;
  readonly preset?: string;
  readonly promptFile?: string;
  readonly control?: readonly ControlSetting[];
  readonly ipAdapter?: IpAdapterSetting;
  readonly embedding?: readonly EmbeddingSetting[];
  readonly promptWeights?: boolean;
  readonly loraDir?: string;
  readonly size?: Size;
  readonly count?: number;
  readonly scheduler?: string;
  readonly output?: string;
  readonly format?: FileFormat;
  readonly overwrite?: boolean;
  readonly preview?: string;
  readonly previewVae?: string;
  readonly device?: string;
  readonly threads?: number;
  readonly memoryLimit?: string;
  readonly planQuality?: Quality;
  readonly offload?: 'model' | 'sequential';
  readonly vaeTiling?: TilingMode;
  readonly vaeSlicing?: boolean;
  readonly fp8?: 'e4m3fn' | 'e5m2';
  readonly int8Weights?: boolean;
  readonly int8?: boolean;
  readonly attention?: 'flash' | 'sliced' | 'math';
  readonly channelsLast?: boolean;
  readonly convolution?: Convolution;
  readonly stepCache?: StepCacheSetting;
  /** The share of tokens that is merged. */
  readonly tokenMerging?: number;
  readonly lora?: readonly LoraSetting[];
  readonly loraMode?: 'branch' | 'fuse';
  readonly trace?: string;
  readonly memoryReport?: string;
  readonly use: readonly PluginSpec[];
  readonly option: readonly OptionSetting[];
  readonly json?: boolean;
  readonly quiet?: boolean;
}
