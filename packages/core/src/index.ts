// The public API of @thimble/core, and its only entry.
export { errorRegistry, isThimbleError, ThimbleError } from './errors.js';
export type { ErrorCode, ErrorDetails } from './errors.js';
export { VERSION } from './version.js';

export { DiffusionPipeline } from './pipelines/DiffusionPipeline.js';
export type { PipelineParts, Prompt } from './pipelines/DiffusionPipeline.js';
export { StableDiffusionPipeline } from './pipelines/StableDiffusionPipeline.js';
export type { FromPretrainedOptions } from './pipelines/FromPretrainedOptions.js';
export type { GenerateOptions, GenerateResult, OutputType, RunTimings } from './pipelines/GenerateOptions.js';
export type {
  DecodeEvent, DoneEvent, LoadEvent, MemoryEvent, ModelEvent, PipelineEvent, PreviewEvent, StepEvent, WarningEvent,
} from './pipelines/PipelineEvent.js';
export { Component } from './pipelines/Component.js';
export type { CallOptions, ComponentParts } from './pipelines/Component.js';

export { createToken } from './plugins/Token.js';
export type { Token } from './plugins/Token.js';
export { DEVICES, PIPELINES, SCHEDULERS, TOKENIZERS } from './plugins/tokens.js';
export type { ComponentConfig, DeviceFactory, Named, PipelineClass, SchedulerFactory, TokenizerFactory } from './plugins/tokens.js';
export type { Claim, Plugin } from './plugins/Plugin.js';
export type { PluginContext } from './plugins/PluginContext.js';
export type { PluginHandle } from './plugins/PluginHandle.js';
export type { PluginHostPipeline } from './plugins/PluginHostPipeline.js';
export type { ScopedHooks } from './plugins/ScopedHooks.js';

export { createHooks, hookManifest, hookNames } from './hooks/manifest.js';
export type { HookDeclaration, HookName, Hooks } from './hooks/manifest.js';
export { PassStage } from './hooks/PassStage.js';
export { Stage } from './hooks/Stage.js';
export type { ComponentHandle } from './hooks/ComponentHandle.js';
export type { DecodeCall } from './hooks/DecodeCall.js';
export type { EncodeCall } from './hooks/EncodeCall.js';
export type { GraphContext } from './hooks/GraphContext.js';
export type { HookObserver, TapCall } from './hooks/HookObserver.js';
export type { HookPoint } from './hooks/HookPoint.js';
export type { MemoryReport } from './hooks/MemoryReport.js';
export type { ModelCall, NamedTensors } from './hooks/ModelCall.js';
export type { RunContext } from './hooks/RunContext.js';
export type { RunMemory } from './hooks/RunMemory.js';
export type { NamedDeviceTensors, SegmentCall } from './hooks/SegmentCall.js';
export type { SegmentHandle } from './hooks/SegmentHandle.js';
export type { StepContext } from './hooks/StepContext.js';
export type { TapInfo } from './hooks/TapInfo.js';
export type { TapOptions } from './hooks/TapOptions.js';
export type { Next, Wrapper } from './hooks/Wrapping.js';

export { DDIMScheduler } from './schedulers/DDIMScheduler.js';
export { PNDMScheduler } from './schedulers/PNDMScheduler.js';
export { createScheduler } from './schedulers/createScheduler.js';
export { schedulerRegistry } from './schedulers/schedulerRegistry.js';
export type { Scheduler, SchedulerClass, SetTimestepsOptions, StepOptions, StepResult } from './schedulers/Scheduler.js';
export { readSchedulerConfig } from './schedulers/readSchedulerConfig.js';
export type { SchedulerConfig, SchedulerConfigInput } from './schedulers/readSchedulerConfig.js';
export { booleanField, choiceField, integerField, nullable, numberField, numbersField } from './schedulers/ConfigField.js';
export type { ConfigField, ConfigFields, ConfigValues } from './schedulers/ConfigField.js';
export { BatchGenerator } from './random/BatchGenerator.js';
export type { Generator } from './random/Generator.js';
export { randomSeed } from './random/randomSeed.js';
export { TorchGenerator } from './random/TorchGenerator.js';
export type { RandnDtype } from './random/TorchGenerator.js';

export { AutoencoderKL } from './models/AutoencoderKL.js';
export { CLIPTextModel } from './models/CLIPTextModel.js';
export { UNet2DConditionModel } from './models/UNet2DConditionModel.js';
export { Model } from './models/Model.js';
export type { InputShapes, ModelEntry, ModelInput } from './models/Model.js';
export type { ModelConfig } from './models/ConfigReader.js';
export { exportOnnx } from './models/exportOnnx.js';
export type { ExportOptions } from './models/exportOnnx.js';
export { modelRegistry } from './models/modelRegistry.js';
export type { ModelFactory } from './models/modelRegistry.js';

export { COMPOSITE_DOMAIN, Graph } from './graph/Graph.js';
export type { Attribute, ElementType, GraphConstant, GraphNode, GraphParts, GraphPort, GraphWeight, WeightSource } from './graph/Graph.js';
export { Emitter } from './graph/Emitter.js';
export { lowerAttention } from './graph/passes/AttentionLowering.js';
export type { AttentionLowering, AttentionSite } from './graph/passes/AttentionLowering.js';
export { chunkedAttention, DEFAULT_SCORE_BUDGET } from './graph/passes/chunkedAttention.js';
export { fusedAttention } from './graph/passes/fusedAttention.js';

export { SafetensorsFile } from './weights/SafetensorsFile.js';
export { writeSafetensors } from './weights/writeSafetensors.js';
export type { TensorToWrite } from './weights/writeSafetensors.js';
export { bytesPerElement, isSafetensorsDtype, safetensorsDtypes } from './weights/SafetensorsDtype.js';
export type { SafetensorsDtype } from './weights/SafetensorsDtype.js';
export { decodeBfloat16 } from './weights/decodeBfloat16.js';
export { decodeFloat16 } from './weights/decodeFloat16.js';
export { decodeFloat8E4m3fn } from './weights/decodeFloat8E4m3fn.js';
export { decodeFloat8E5m2 } from './weights/decodeFloat8E5m2.js';
export { readTensor } from './weights/readTensor.js';
export { readTensorFloat32 } from './weights/readTensorFloat32.js';
export type { TensorInfo } from './weights/TensorInfo.js';
export { openComponentCheckpoint } from './weights/ComponentCheckpoint.js';
export type { CheckpointWarning, ComponentCheckpoint, ComponentCheckpointOptions } from './weights/ComponentCheckpoint.js';
export { readModelIndex } from './weights/ModelIndex.js';
export type { ComponentClass, ModelIndex } from './weights/ModelIndex.js';
export { resolveModel } from './weights/resolveModel.js';
export type { ResolvedModel, ResolveModelOptions } from './weights/resolveModel.js';
export type { ComponentChoice } from './weights/hub/planCheckpointFiles.js';
export type { DownloadEvent } from './weights/hub/downloadSnapshot.js';
export type { JsonObject } from './weights/readJsonFile.js';
export { scanJson } from './weights/scanJson.js';
export type { JsonProblem } from './weights/scanJson.js';

export { createDevice } from './device/createDevice.js';
export { EXECUTION_PROVIDERS } from './device/ExecutionProvider.js';
export { InlineDevice } from './device/InlineDevice.js';
export { ProcessDevice } from './device/ProcessDevice.js';
export type { Device } from './device/Device.js';
export { MemoryBudget } from './device/MemoryBudget.js';
export type { Allocator, DeviceOptions } from './device/DeviceOptions.js';
export type { DeviceTensor } from './device/DeviceTensor.js';
export type { ExecutionProvider } from './device/ExecutionProvider.js';
export type { FileRange } from './device/FileRange.js';
export type { OnnxModel } from './device/OnnxModel.js';
export type { ProcessMemory } from './device/ProcessMemory.js';
export type { Program, ProgramResult, ProgramStep } from './device/Program.js';

export { createTokenizer } from './tokenizers/createTokenizer.js';
export { CLIPTokenizer } from './tokenizers/CLIPTokenizer.js';
export type { DecodeOptions, EncodedPrompts, EncodeOptions, Tokenizer } from './tokenizers/Tokenizer.js';
export { Image } from './images/Image.js';
export type { ImageParts } from './images/ImageParts.js';
export type { EncodeImageOptions } from './images/encodeImage.js';
export type { ImageFormat } from './images/ImageFormat.js';
export { imagesFromPixels, imagesFromSample, pixelsFromSample } from './images/imagesFromSample.js';
export type { ImageMetadata } from './images/imagesFromSample.js';
export { Tensor } from 'onnxruntime-common';
