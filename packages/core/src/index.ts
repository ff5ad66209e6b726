// The public API of @thimble/core, for applications. Authors of plugins have './plugin' beside it, authors of models and pipelines './model'.
import './extension/coreCopies.js';

export { ThimbleError, errorRegistry, isThimbleError } from './errors.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
export { VERSION } from './version.js';
export type { LoadEvent, ModelEvent, ProgressEvent } from './execution/ComponentEvent.js';
export { DiffusionPipeline } from './pipelines/DiffusionPipeline.js';
export { CONVERT_DTYPES } from './pipelines/convert/convertedTensor.js';
export type { ConvertDtype } from './pipelines/convert/convertedTensor.js';
export { convertCheckpoint } from './pipelines/convert/convertCheckpoint.js';
export type { ConvertOptions } from './pipelines/convert/convertCheckpoint.js';
export type { GenerateOptions, GenerateResult, OutputType, Prompt, RunTimings } from './run/GenerateOptions.js';
export * from './pipelines/pipelines.js';
export type { CogVideoXOptions } from './pipelines/CogVideoXOptions.js';
export type { LatentConsistencyModelOptions } from './pipelines/LatentConsistencyModelOptions.js';
export type { StableDiffusionOptions } from './pipelines/StableDiffusionOptions.js';
export type { StableDiffusionXLOptions } from './pipelines/StableDiffusionXLOptions.js';
export type { StableDiffusion3Options } from './pipelines/StableDiffusion3Options.js';
export type { Flux2KleinOptions } from './pipelines/Flux2KleinOptions.js';
export type { FluxOptions } from './pipelines/FluxOptions.js';
export type { ZImageOptions } from './pipelines/ZImageOptions.js';
export type { PictureOptions } from './sampling/starts/pictureFields.js';
export type { VideoResult } from './pipelines/CogVideoXPipeline.js';
export type { FromPretrainedOptions } from './pipelines/FromPretrainedOptions.js';
export type { PipelineDtype } from './weights/PipelineDtype.js';
export type {
  DecodeEvent,
  DoneEvent,
  FrameEvent,
  ImageEvent,
  MemoryEvent,
  PipelineEvent,
  PresetEvent,
  PreviewEvent,
  QueuedEvent,
  StepEvent,
  WarningEvent,
} from './run/PipelineEvent.js';
export { Component } from './execution/Component.js';
export type { CallOptions } from './hooks/calls/CallOptions.js';
export type { Plugin } from './extension/Plugin.js';
export type { PluginHandle } from './extension/PluginHandle.js';
export type { Hooks } from './hooks/manifest.js';
export type { MemoryReport } from './hooks/calls/MemoryReport.js';
export type { RunMemory } from './hooks/calls/RunMemory.js';
export * from './schedulers/schedulers.js';
export { createScheduler } from './schedulers/createScheduler.js';
export { findScheduler } from './schedulers/findScheduler.js';
export type { NamedScheduler } from './schedulers/findScheduler.js';
export type { Convolution } from './graph/passes/winograd/chooseConvolution.js';
export type { PredictionType } from './schedulers/numeric/predictOriginalSample.js';
export { schedulerName } from './schedulers/schedulerName.js';
export { schedulerRegistry } from './schedulers/schedulerRegistry.js';
export type {
  PredictedStep,
  Scheduler,
  SchedulerClass,
  SetTimestepsOptions,
  StepOptions,
  StepResult,
} from './schedulers/Scheduler.js';
export { BatchGenerator } from './random/BatchGenerator.js';
export type { Generator } from './random/Generator.js';
export { randomSeed } from './random/TorchGenerator.js';
export { TorchGenerator } from './random/TorchGenerator.js';
export type { RandnDtype } from './random/TorchGenerator.js';
export * from './models/models.js';
export type { LoadPretrainedOptions, PretrainedModel } from './models/loadPretrained.js';
export { exportOnnx } from './models/exportOnnx.js';
export type { ExportOptions } from './models/exportOnnx.js';
export type { DownloadEvent } from './weights/hub/downloadSnapshot.js';
export { EXECUTION_PROVIDERS } from './device/ExecutionProvider.js';
export { parseBytes } from './device/parseBytes.js';
export type { Allocator, DeviceOptions } from './device/DeviceOptions.js';
export type { DevicePermissions } from './device/devicePermissions.js';
export type { ExecutionProvider } from './device/ExecutionProvider.js';
export { CLIPTokenizer } from './tokenizers/CLIPTokenizer.js';
export type { ChatTemplate, ChatTemplateOptions } from './tokenizers/ChatTemplate.js';
export { Qwen2Tokenizer } from './tokenizers/Qwen2Tokenizer.js';
export type { Qwen2EncodeOptions } from './tokenizers/Qwen2Tokenizer.js';
export { T5Tokenizer } from './tokenizers/T5Tokenizer.js';
export type { DecodeOptions, EncodeOptions, EncodedPrompts, TokenAddition, Tokenizer } from './tokenizers/Tokenizer.js';
export { Image } from './images/Image.js';
export type { ImageInput } from './images/ImageInput.js';
export type { ImageParts } from './images/ImageParts.js';
export type { ImageSource, OpenImageOptions } from './images/decodeImage.js';
export type { EncodeImageOptions } from './images/encodeImage.js';
export type { ImageFormat } from './images/ImageFormat.js';
export { readImageInfo } from './images/readImageInfo.js';
export type { ImageInfo } from './images/readImageInfo.js';
export { exportToVideo } from './images/exportToVideo.js';
export type { ExportToVideoOptions, VideoInput } from './images/exportToVideo.js';
export type { ImageMetadata } from './images/imagesFromSample.js';
export { Tensor } from 'onnxruntime-common';
