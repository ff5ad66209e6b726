// The public API of @thimble/core, and its only entry.
import './extension/coreCopies.js';

export { errorRegistry, isThimbleError, ThimbleError } from './errors.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
export { VERSION } from './version.js';

export type { LoadEvent, ModelEvent } from './execution/ComponentEvent.js';
export { DiffusionPipeline } from './pipelines/DiffusionPipeline.js';
export { Pipeline } from './run/Pipeline.js';
export { concatBatch, splitBatch } from './execution/batch.js';
export type { PipelineParts } from './run/PipelineParts.js';
export type { Prompt } from './run/GenerateOptions.js';
export { StableDiffusionPipeline } from './pipelines/StableDiffusionPipeline.js';
export { CogVideoXPipeline } from './pipelines/CogVideoXPipeline.js';
export type { VideoResult } from './pipelines/CogVideoXPipeline.js';
export type { FromPretrainedOptions } from './pipelines/FromPretrainedOptions.js';
export type { PipelineDtype } from './weights/PipelineDtype.js';
export type { GenerateOptions, GenerateResult, OutputType, RunTimings } from './run/GenerateOptions.js';
export type {
  DecodeEvent,
  DoneEvent,
  FrameEvent,
  ImageEvent,
  MemoryEvent,
  PipelineEvent,
  PreviewEvent,
  ProgressEvent,
  StepEvent,
  WarningEvent,
} from './run/PipelineEvent.js';
export { PipelineComponent as Component } from './execution/PipelineComponent.js';
export type { CallOptions, ComponentParts } from './execution/Component.js';
export type { Attachable } from './execution/componentRecord.js';
export { nominalShapes } from './models/nominalShapes.js';
export type { SegmentProgram } from './execution/ComponentSegment.js';
export type { FrozenEntry, FrozenPrograms } from './execution/FrozenEntry.js';
export type { KernelLayout, WeightLayout } from './execution/WeightLayout.js';

export { checkComponentNames } from './extension/checkComponentNames.js';
export { createToken } from './extension/Token.js';
export type { Token } from './extension/Token.js';
export { DEVICES, PIPELINES, SCHEDULERS, TOKENIZERS } from './extension/tokens.js';
export type {
  ComponentConfig,
  DeviceFactory,
  Named,
  PipelineClass,
  SchedulerFactory,
  TokenizerFactory,
} from './extension/tokens.js';
export type { Claim, Plugin } from './extension/Plugin.js';
export { chooseComponents, DENOISER } from './extension/chooseComponents.js';
export { percentProgress } from './extension/percentProgress.js';
export { prepareComponents } from './extension/prepareComponents.js';
export type { ComponentPreparation } from './extension/prepareComponents.js';
export type { PluginContext } from './extension/PluginContext.js';
export type { PluginHandle } from './extension/PluginHandle.js';
export type { PluginHostPipeline } from './extension/PluginHostPipeline.js';
export type { ScopedHooks } from './extension/ScopedHooks.js';

export { createHooks, hookManifest, hookNames } from './hooks/manifest.js';
export type { HookDeclaration, HookName, Hooks } from './hooks/manifest.js';
export { PassStage } from './hooks/PassStage.js';
export { Stage } from './hooks/engine/Stage.js';
export type { ComponentHandle } from './hooks/calls/ComponentHandle.js';
export type { DecodeCall } from './hooks/calls/DecodeCall.js';
export type { EncodeCall } from './hooks/calls/EncodeCall.js';
export type { GraphContext } from './hooks/calls/GraphContext.js';
export type { HookObserver, TapCall } from './hooks/engine/HookObserver.js';
export type { HookPoint } from './hooks/engine/HookPoint.js';
export type { MemoryReport } from './hooks/calls/MemoryReport.js';
export type { ModelCall, NamedTensors } from './hooks/calls/ModelCall.js';
export type { RunContext } from './hooks/calls/RunContext.js';
export type { RunMemory } from './hooks/calls/RunMemory.js';
export { rowsOfSample, sampleOfRows } from './hooks/calls/SampleRows.js';
export type { SampleRows } from './hooks/calls/SampleRows.js';
export type { NamedDeviceTensors, SegmentCall } from './hooks/calls/SegmentCall.js';
export type { SegmentHandle } from './hooks/calls/SegmentHandle.js';
export type { SegmentPreparation } from './hooks/calls/SegmentPreparation.js';
export type { StepContext } from './hooks/calls/StepContext.js';
export type { TapInfo } from './hooks/engine/TapInfo.js';
export type { TapOptions } from './hooks/engine/TapOptions.js';
export type { Next, Wrapper } from './hooks/engine/Wrapping.js';

export { CogVideoXDDIMScheduler } from './schedulers/CogVideoXDDIMScheduler.js';
export { CogVideoXDPMScheduler } from './schedulers/CogVideoXDPMScheduler.js';
export { DDIMScheduler } from './schedulers/DDIMScheduler.js';
export { DDPMScheduler } from './schedulers/DDPMScheduler.js';
export { DPMSolverMultistepScheduler } from './schedulers/DPMSolverMultistepScheduler.js';
export { EulerAncestralDiscreteScheduler } from './schedulers/EulerAncestralDiscreteScheduler.js';
export { EulerDiscreteScheduler } from './schedulers/EulerDiscreteScheduler.js';
export { FlowMatchEulerDiscreteScheduler } from './schedulers/FlowMatchEulerDiscreteScheduler.js';
export { HeunDiscreteScheduler } from './schedulers/HeunDiscreteScheduler.js';
export { LCMScheduler } from './schedulers/LCMScheduler.js';
export { LMSDiscreteScheduler } from './schedulers/LMSDiscreteScheduler.js';
export { PNDMScheduler } from './schedulers/PNDMScheduler.js';
export { UniPCMultistepScheduler } from './schedulers/UniPCMultistepScheduler.js';
export { createScheduler } from './schedulers/createScheduler.js';
export { schedulerRegistry } from './schedulers/schedulerRegistry.js';
export type {
  Scheduler,
  SchedulerClass,
  SetTimestepsOptions,
  StepOptions,
  StepResult,
} from './schedulers/Scheduler.js';
export { readSchedulerConfig } from './schedulers/readSchedulerConfig.js';
export type { SchedulerConfig, SchedulerConfigInput } from './schedulers/readSchedulerConfig.js';
export { booleanField, choiceField, integerField, nullable, numberField, numbersField } from './fields/Field.js';
export type { ConfigField, ConfigFields, ConfigValues } from './fields/Field.js';
export { BatchGenerator } from './random/BatchGenerator.js';
export type { Generator } from './random/Generator.js';
export { randomSeed } from './random/randomSeed.js';
export { TorchGenerator } from './random/TorchGenerator.js';
export type { RandnDtype } from './random/TorchGenerator.js';

export { AutoencoderKL } from './models/AutoencoderKL.js';
export { AutoencoderKLCogVideoX } from './models/AutoencoderKLCogVideoX.js';
export { CLIPTextModel } from './models/CLIPTextModel.js';
export { CogVideoXTransformer3DModel } from './models/CogVideoXTransformer3DModel.js';
export { T5EncoderModel } from './models/T5EncoderModel.js';
export { UNet2DConditionModel } from './models/UNet2DConditionModel.js';
export { Model } from './models/Model.js';
export type { LoadPretrainedOptions, PretrainedModel } from './models/loadPretrained.js';
export type { EntrySequence, InputShapes, ModelEntry, ModelInput, TilingDefaults } from './models/Model.js';
export type { ModelConfig } from './fields/ConfigReader.js';
export { exportOnnx } from './models/exportOnnx.js';
export type { ExportOptions } from './models/exportOnnx.js';
export { modelRegistry } from './models/modelRegistry.js';
export type { ModelFactory } from './models/modelRegistry.js';

export { COMPOSITE_DOMAIN, Graph } from './graph/Graph.js';
export type {
  Attribute,
  ElementType,
  GraphConstant,
  GraphNode,
  GraphParts,
  GraphPort,
  GraphWeight,
  MemoryFormat,
  WeightSource,
} from './graph/Graph.js';
export { Emitter } from './graph/Emitter.js';
export type { Layer } from './graph/Module.js';
export type { Parameter } from './graph/Parameter.js';
export { bindWeights } from './graph/passes/bindWeights.js';
export type { StoredWeight } from './graph/passes/bindWeights.js';
export { freezeShapes } from './graph/passes/freezeShapes.js';
export { lowerAttention } from './graph/passes/AttentionLowering.js';
export type { AttentionLowering, AttentionSite } from './graph/passes/AttentionLowering.js';
export { chunkedAttention, DEFAULT_SCORE_BUDGET } from './graph/passes/chunkedAttention.js';
export { chunkFeedForward } from './graph/passes/chunkFeedForward.js';
export { evenChunks } from './graph/passes/evenChunks.js';
export type { Chunk } from './graph/passes/evenChunks.js';
export { fusedAttention } from './graph/passes/fusedAttention.js';
export type { FusedAttentionOptions } from './graph/passes/fusedAttention.js';
export { slicedAttention } from './graph/passes/slicedAttention.js';
export type { SliceSize } from './graph/passes/slicedAttention.js';

export { SafetensorsFile } from './weights/files/SafetensorsFile.js';
export { writeSafetensors } from './weights/files/writeSafetensors.js';
export type { TensorToWrite } from './weights/files/writeSafetensors.js';
export { bytesPerElement, isSafetensorsDtype, safetensorsDtypes } from './weights/files/SafetensorsDtype.js';
export type { SafetensorsDtype } from './weights/files/SafetensorsDtype.js';
export { decodeBfloat16 } from './weights/files/decodeBfloat16.js';
export { decodeFloat16 } from './weights/files/decodeFloat16.js';
export { encodeFloat16 } from './weights/files/encodeFloat16.js';
export { decodeFloat8E4m3fn } from './weights/files/decodeFloat8E4m3fn.js';
export { decodeFloat8E5m2 } from './weights/files/decodeFloat8E5m2.js';
export { Float8Encoder } from './weights/files/Float8Encoder.js';
export { DerivedWeightsCache } from './weights/cache/DerivedWeightsCache.js';
export type {
  DerivedWeights,
  DerivedWeightsProgress,
  DerivedWeightsRecipe,
  OpenDerivedOptions,
} from './weights/cache/DerivedWeightsCache.js';
export { readCacheSettings } from './weights/cache/CacheSettings.js';
export type { CacheSettings } from './weights/cache/CacheSettings.js';
export { readTensor } from './weights/files/readTensor.js';
export { readRowPieces, ROW_DTYPES, rowLength } from './weights/files/readRowPieces.js';
export { readTensorPieces } from './weights/files/readTensorPieces.js';
export { readTensorFloat32 } from './weights/files/readTensorFloat32.js';
export type { TensorInfo } from './weights/files/TensorInfo.js';
export { openComponentCheckpoint } from './weights/ComponentCheckpoint.js';
export type {
  CheckpointWarning,
  ComponentCheckpoint,
  ComponentCheckpointOptions,
} from './weights/ComponentCheckpoint.js';
export { readModelIndex } from './weights/ModelIndex.js';
export type { ComponentClass, ModelIndex } from './weights/ModelIndex.js';
export { resolveModel } from './weights/resolveModel.js';
export type { ResolvedModel, ResolveModelOptions } from './weights/resolveModel.js';
export type { ComponentChoice } from './weights/hub/planCheckpointFiles.js';
export type { DownloadEvent } from './weights/hub/downloadSnapshot.js';
export type { JsonObject } from './disk/readJsonFile.js';
export { scanJson } from './disk/scanJson.js';
export type { JsonProblem } from './disk/scanJson.js';

export { createDevice } from './device/createDevice.js';
export { EXECUTION_PROVIDERS } from './device/ExecutionProvider.js';
export { InlineDevice } from './device/InlineDevice.js';
export { ProcessDevice } from './device/ProcessDevice.js';
export type { Device } from './device/Device.js';
export { MemoryBudget } from './device/MemoryBudget.js';
export { parseBytes } from './device/parseBytes.js';
export type { Allocator, DeviceOptions } from './device/DeviceOptions.js';
export type { DeviceRows, RowRange, RowsOptions } from './device/DeviceRows.js';
export type { DeviceTensor } from './device/DeviceTensor.js';
export type { ExecutionProvider } from './device/ExecutionProvider.js';
export type { FileRange } from './device/FileRange.js';
export type { OnnxModel } from './device/OnnxModel.js';
export { OPTIMIZED_GRAPH, OPTIMIZED_WEIGHTS } from './device/OptimizationTarget.js';
export type { OptimizationTarget } from './device/OptimizationTarget.js';
export { runtimeIdentity } from './device/runtimeIdentity.js';
export type { RuntimeIdentity } from './device/runtimeIdentity.js';
export { spillFolder } from './device/spillFolder.js';
export type { SessionMode } from './device/SessionMode.js';
export type { ProcessMemory } from './device/ProcessMemory.js';
export type { Program, ProgramResult, ProgramStep } from './device/Program.js';

export { createTokenizer } from './tokenizers/createTokenizer.js';
export { CLIPTokenizer } from './tokenizers/CLIPTokenizer.js';
export { T5Tokenizer } from './tokenizers/T5Tokenizer.js';
export type { DecodeOptions, EncodedPrompts, EncodeOptions, Tokenizer } from './tokenizers/Tokenizer.js';
export { Image } from './images/Image.js';
export type { ImageParts } from './images/ImageParts.js';
export type { EncodeImageOptions } from './images/encodeImage.js';
export type { ImageFormat } from './images/ImageFormat.js';
export { exportToVideo } from './images/exportToVideo.js';
export type { ExportToVideoOptions, VideoInput } from './images/exportToVideo.js';
export { imagesFromPixels, imagesFromSample, pixelsFromSample } from './images/imagesFromSample.js';
export type { ImageMetadata } from './images/imagesFromSample.js';
export { Tensor } from 'onnxruntime-common';
