import type { ConvolutionCounts } from '@thimble/core/model';
import type { RunNeeds } from '@thimble/planner';
import type { BlockLinears } from '@thimble/plugin-gguf';

/** A segment of a component: what can be loaded and run by itself. */
export interface SegmentReport {
  readonly name: string;
  readonly bytes: number;
}

/** A weight file. */
export interface FileReport {
  /** Relative to the model's folder. */
  readonly path: string;
  readonly bytes: number;
}

/** One component with weights. */
export interface ComponentReport {
  readonly name: string;
  readonly className: string;
  /** Whether thimble can run it. */
  readonly supported: boolean;
  /** Absent for plain weights. */
  readonly variant?: string;
  readonly parameters: number;
  /** Bytes of the tensors, as stored. */
  readonly bytes: number;
  /** Bytes by the type they are stored in. */
  readonly dtypes: Readonly<Record<string, number>>;
  /** Linear layers with weights in blocks, by their type, and how they can be computed; absent where there are none. */
  readonly linears?: readonly BlockLinears[];
  /** How two-dimensional convolutions are computed on this machine, by entry point; absent where there are none. */
  readonly convolutions?: Readonly<Record<string, ConvolutionCounts>>;
  readonly files: readonly FileReport[];
  /** In the order of execution; empty for a component that is not supported. */
  readonly segments: readonly SegmentReport[];
}

/** What a run takes where nothing is said, by the names of its options. */
export interface DefaultsReport {
  readonly width?: number;
  readonly height?: number;
  /** Of a video. */
  readonly numFrames?: number;
  readonly numInferenceSteps?: number;
  readonly guidanceScale?: number;
  /** The distilled model whose values these are; absent for diffusers' defaults. */
  readonly preset?: string;
}

/** What a model's folder holds. */
export interface ModelReport {
  readonly folder: string;
  /** The pipeline's class, or that of a single model. */
  readonly className: string;
  readonly scheduler?: string;
  readonly tokenizer?: string;
  /** Absent for what makes neither pictures nor videos. */
  readonly defaults?: DefaultsReport;
  /** What a picture of a size takes, if it was asked for. */
  readonly needs?: RunNeeds;
  readonly components: readonly ComponentReport[];
  /** Names of tensors in a file of weights that belong to no component. */
  readonly unused?: readonly string[];
  /** Over all components. */
  readonly parameters: number;
  readonly bytes: number;
}
