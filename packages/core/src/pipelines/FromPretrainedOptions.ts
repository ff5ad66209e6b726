import type { DeviceOptions } from '../device/DeviceOptions.js';
import type { ExecutionProvider } from '../device/ExecutionProvider.js';
import type { PretrainedModel } from '../models/loadPretrained.js';
import type { Plugin } from '../extension/Plugin.js';
import type { PredictionType } from '../schedulers/numeric/predictOriginalSample.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import type { DownloadEvent } from '../weights/hub/downloadSnapshot.js';
import type { PipelineDtype } from '../weights/PipelineDtype.js';
import type { OptionsOf } from '../fields/Field.js';
import type { computeFields } from '../run/computeFields.js';
import type { limitFields } from '../run/runLimits.js';
import type { WarningEvent } from '../run/PipelineEvent.js';

/** Options of `DiffusionPipeline.fromPretrained`. */
export interface FromPretrainedOptions extends OptionsOf<typeof limitFields>, OptionsOf<typeof computeFields> {
  /** Such as 'fp16' for `*.fp16.safetensors`. */
  readonly variant?: string | undefined;
  /**
   * The type to read weights in, where the checkpoint has several: 'float16' stands for the variant 'fp16', 'bfloat16' for 'bf16', 'float32' for the plain files; `variant`
   * goes before it. Weights that are there in another type alone are used as they are, with a warning. On WebGPU and CUDA 'float16' is also what is
   * computed in, but for components whose config says `force_upcast`; the CPU computes in float32 whatever the weights are stored in.
   */
  readonly dtype?: PipelineDtype | undefined;
  /** A hub id's branch, tag or commit. */
  readonly revision?: string | undefined;
  /** Execution provider, or the name of a device that a plugin provides. Default 'cpu'. */
  readonly device?: ExecutionProvider | (string & {}) | undefined;
  readonly deviceOptions?:
    | (Omit<DeviceOptions, 'provider'> & {
        /** Run ONNX Runtime in this process instead of a child. */
        readonly inline?: boolean | undefined;
      })
    | undefined;
  /**
   * What both processes together may take: bytes, or a text such as '192MB', '512m' or '1.5GiB' (every suffix a power of 2^10), 96MB at least; a tighter
   * limit of the container goes before it. From it follow the allocator, how many samples of a batch are computed at once, and into how small pieces large
   * layers are split. Default: the container's limit, if it has one; 'none' = no limit whatever the container says.
   */
  readonly memoryLimit?: number | string | undefined;
  /**
   * Names of the components to load, all by default, out of those that the checkpoint has; or, in place of the checkpoint's of the same name, components of another pipeline, what a
   * model's `fromPretrained` gives, and where others lie: files of weights, folders, hub ids and files on the hub; of tokenizers folders and hub ids.
   */
  readonly components?: readonly string[] | Readonly<Record<string, PretrainedModel | string>> | undefined;
  /** For a file of weights: a folder in diffusers' layout, or a hub id, whose configs and tokenizers are taken in place of those of the family that its tensors show; or that family's name. */
  readonly config?: string | undefined;
  /** What the model predicts, in place of what its scheduler's config says: 'epsilon', 'v_prediction' or 'sample'. Of a file of Stable Diffusion 2, which does not say it, 'v_prediction' is taken, with a warning. */
  readonly predictionType?: PredictionType | undefined;
  /**
   * A scheduler in place of the checkpoint's: one that was made, or a name, such as 'euler' or 'dpm++_2m_karras' ({@link findScheduler}), of which one is made with the
   * checkpoint's config. The checkpoint's own is not opened then, and need not exist here.
   */
  readonly scheduler?: Scheduler | string | undefined;
  /**
   * What runs take where nothing is said, in place of diffusers' defaults: the name of a distilled model, such as 'sd-turbo', whose scheduler is taken with it unless `scheduler` names
   * one; or 'none'. Default: by what the checkpoint is called and what its configs say, where that is certain.
   */
  readonly preset?: string | undefined;
  /** Plugins to install before anything is loaded: those that provide schedulers, tokenizers, pipelines or devices. */
  readonly plugins?: readonly Plugin[] | undefined;
  /** Never ask the hub, only its cache. */
  readonly localFilesOnly?: boolean | undefined;
  /**
   * Follow links in the folders of checkpoints that lead outside of them, as those do that you made yourself to share files. Otherwise they are refused, so that a checkpoint from
   * elsewhere reads its own files alone; links into the hub's cache are followed anyway.
   */
  readonly allowSymlinks?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told about downloads and warnings. */
  readonly onProgress?: ((event: DownloadEvent | WarningEvent) => void) | undefined;
}
