// The public API of @thimble/core/plugin, for authors of plugins: hooks, what plugins act through, graphs and their passes, weights, devices.
import './extension/coreCopies.js';

export { defineErrors, ERROR_REFERENCE } from './errors.js';
export type { DefinedErrors } from './errors.js';
export type { CodedError } from './errors/CodedError.js';
export type { DetailsOf, ErrorDefinition, ErrorDefinitions } from './errors/ErrorDefinition.js';
export { concatBatch, sliceBatch, splitBatch } from './execution/batch.js';
export { disposeHeld } from './execution/heldTensor.js';
export type { ComponentParts } from './execution/Component.js';
export type { Attachable } from './execution/componentRecord.js';
export type { CompiledSegment } from './execution/compileSegment.js';
export type { FreezeOptions, FrozenEntry, FrozenPrograms } from './execution/FrozenEntry.js';
export type { KernelLayout, WeightLayout } from './execution/WeightLayout.js';
export { EntryTrace } from './execution/EntryTrace.js';
export type { ValueLimits } from './execution/EntryTrace.js';
export { planPicture } from './execution/strips/planPicture.js';
export type { PictureNeeds, PlannedPicture } from './execution/strips/planPicture.js';
export { planSeamless, seamlessRows } from './execution/strips/seamlessRows.js';
export type { SeamlessOptions, SeamlessPlan } from './execution/strips/seamlessRows.js';
export { SessionPool } from './execution/strips/SessionPool.js';
export { createToken } from './extension/Token.js';
export type { Token } from './extension/Token.js';
export { ADDED_CALLS, DEVICES, MODELS, OPTIONS, RUN_PLANNERS, SCHEDULERS, TOKENIZERS } from './extension/tokens.js';
export type {
  AddedCall,
  ComponentConfig,
  DeviceFactory,
  Named,
  RunPlanner,
  SchedulerFactory,
} from './extension/tokens.js';
export type { OptionRead, OptionReading, RunOption } from './extension/RunOption.js';
export { PIPELINES } from './run/PipelineConstructor.js';
export type { PipelineConstructor } from './run/PipelineConstructor.js';
export type { Claim, PluginIdentity, PluginRecord, UsablePlugin } from './extension/PluginRecord.js';
export { DENOISER, chooseComponents } from './extension/chooseComponents.js';
export { percentProgress } from './extension/percentProgress.js';
export { prepareComponents } from './extension/prepareComponents.js';
export type { ComponentPreparation } from './extension/prepareComponents.js';
export { prepareWeights } from './extension/prepareWeights.js';
export type { PreparedWeights, WeightsPreparation } from './extension/prepareWeights.js';
export type { PluginContext } from './extension/PluginContext.js';
export type { PluginHostPipeline } from './extension/PluginHostPipeline.js';
export { plainCalls } from './extension/RunCalls.js';
export type { RunCalls } from './extension/RunCalls.js';
export type { PluginPipeline } from './extension/PluginPipeline.js';
export type { ScopedHooks } from './extension/ScopedHooks.js';
export { createHooks, hookManifest, hookNames } from './hooks/manifest.js';
export type { HookDeclaration, HookName } from './hooks/manifest.js';
export { Stage } from './hooks/engine/Stage.js';
export type { NamedStage } from './hooks/engine/Stage.js';
export type { ComponentHandle } from './hooks/calls/ComponentHandle.js';
export type { DecodeCall } from './hooks/calls/DecodeCall.js';
export type { EncodeCall } from './hooks/calls/EncodeCall.js';
export type { EncodePromptCall, PromptChunk, PromptEmbeds } from './hooks/calls/EncodePromptCall.js';
export type { GraphContext } from './hooks/calls/GraphContext.js';
export type { HookObserver, TapCall } from './hooks/engine/HookObserver.js';
export type { HookPoint } from './hooks/engine/HookPoint.js';
export type { ModelCall } from './hooks/calls/ModelCall.js';
export type { NamedTensors } from './hooks/calls/NamedTensors.js';
export type { RunContext, RunPicture } from './hooks/calls/RunContext.js';
export { sampleOfRows } from './hooks/calls/sampleOfRows.js';
export { rowsOfSample } from './hooks/calls/SampleRows.js';
export type { SampleRows } from './hooks/calls/SampleRows.js';
export type { NamedDeviceTensors, SegmentCall } from './hooks/calls/SegmentCall.js';
export type { SegmentHandle } from './hooks/calls/SegmentHandle.js';
export type { SegmentPreparation } from './hooks/calls/SegmentPreparation.js';
export type { StepContext } from './hooks/calls/StepContext.js';
export type { WeightsContext } from './hooks/calls/WeightsContext.js';
export type { TapHandle } from './hooks/engine/TapHandle.js';
export type { TapInfo } from './hooks/engine/TapInfo.js';
export type { TapOptions } from './hooks/engine/TapOptions.js';
export type { Next, Wrapper } from './hooks/engine/Wrapping.js';
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
} from './graph/Graph.js';
export { Emitter } from './graph/Emitter.js';
export { peakBytes } from './graph/peakBytes.js';
export { cutRows } from './graph/rows/cutRows.js';
export type { Cut, CutOptions, StoredType } from './graph/rows/cutRows.js';
export { statisticsInputs } from './graph/rows/GroupNormSite.js';
export type { GroupNormSite } from './graph/rows/GroupNormSite.js';
export { GroupStatistics } from './graph/rows/GroupStatistics.js';
export type { Phase } from './graph/rows/planPhases.js';
export { RowGraph } from './graph/rows/RowGraph.js';
export type { RowLayout, Rows } from './graph/rows/RowLayout.js';
export type { Placement, PlannedPhase, StripPlan } from './graph/rows/StripPlan.js';
export { bindWeights } from './graph/passes/bindWeights.js';
export { freezeShapes } from './graph/passes/freezeShapes.js';
export { lowerAttention } from './graph/passes/AttentionLowering.js';
export type { AttentionLowering, AttentionSite } from './graph/passes/AttentionLowering.js';
export { DEFAULT_SCORE_BUDGET, chunkedAttention } from './graph/passes/chunkedAttention.js';
export { chunkFeedForward } from './graph/passes/chunkFeedForward.js';
export { evenChunks } from './graph/passes/evenChunks.js';
export type { Chunk } from './graph/passes/evenChunks.js';
export { fusedAttention } from './graph/passes/fusedAttention.js';
export type { FusedAttentionOptions } from './graph/passes/fusedAttention.js';
export type { Convolution } from './graph/passes/winograd/chooseConvolution.js';
export { outrunsInt8 } from './graph/passes/winograd/outrunsInt8.js';
export type { WinogradSite } from './graph/passes/winograd/WinogradSite.js';
export { winogradConvolutions } from './graph/passes/winogradConvolutions.js';
export type { ChooseConvolution } from './graph/passes/winogradConvolutions.js';
export { planWinograd } from './graph/passes/winograd/WinogradPlan.js';
export type { WinogradPlan, WinogradStrip } from './graph/passes/winograd/WinogradPlan.js';
export type { WinogradTile } from './graph/passes/winograd/winogradMatrices.js';
export { slicedAttention } from './graph/passes/slicedAttention.js';
export type { SliceSize } from './graph/passes/slicedAttention.js';
export { openTensorFile } from './weights/files/openTensorFile.js';
export type { TensorFile, TensorFileFormat } from './weights/files/TensorFile.js';
export { registerTensorFileFormat, tensorFileFormats } from './weights/files/tensorFileFormats.js';
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
export { holdFileLock } from './disk/holdFileLock.js';
export { DerivedWeightsCache } from './weights/cache/DerivedWeightsCache.js';
export type { EntryOrigin } from './weights/cache/CacheEntry.js';
export type {
  CachedWeights,
  DerivedWeights,
  DerivedWeightsProgress,
  DerivedWeightsRecipe,
  OpenDerivedOptions,
} from './weights/cache/DerivedWeightsCache.js';
export { readCacheSettings } from './weights/cache/CacheSettings.js';
export type { CacheSettings } from './weights/cache/CacheSettings.js';
export { readTensor } from './weights/files/readTensor.js';
export { readRowPieces, readWeight } from './graph/storage/readRowPieces.js';
export { PieceBuffers } from './weights/files/PieceBuffers.js';
export { readTensorPieces } from './weights/files/readTensorPieces.js';
export { readTensorFloat32 } from './weights/files/readTensorFloat32.js';
export { rowLength, sliceRows, swapHalves, transposeView } from './weights/TensorView.js';
export type { TensorView } from './weights/TensorView.js';
export { contentsOf, storeOf } from './weights/WeightStore.js';
export type { WeightStore } from './weights/WeightStore.js';
export { overlay } from './weights/layers/overlay.js';
export { originalLayouts } from './weights/families/originalLayouts.js';
export type { OriginalLayout } from './weights/families/originalLayouts.js';
export { remapped } from './weights/layers/remapped.js';
export type { KeySource } from './weights/layers/remapped.js';
export { sourcesOf, unchanged } from './weights/keymaps/KeyMap.js';
export type { KeyMap } from './weights/keymaps/KeyMap.js';
export type { KeyRule } from './weights/keymaps/KeyRule.js';
export { ldmUnet } from './weights/keymaps/ldmUnet.js';
export { elementwise } from './graph/storage/elementwise.js';
export type { ElementwiseFormat } from './graph/storage/elementwise.js';
export { readDecoded } from './graph/storage/readDecoded.js';
export type { DecodeBlocks } from './graph/storage/readDecoded.js';
export type { StorageEmitter } from './graph/storage/StorageEmitter.js';
export { storedBytes } from './graph/storage/StorageFormat.js';
export type { BoundWeight, GatherSite, StorageFormat } from './graph/storage/StorageFormat.js';
export { registerStorageFormat, storageFormatNames, storageFormatOf } from './graph/storage/storageFormats.js';
export { checkMembers } from './fields/checkMembers.js';
export { checkOptionNames } from './fields/checkOptionNames.js';
export { checkPath } from './fields/checkPath.js';
export { componentNamesField, patternsField, toPatterns } from './fields/namesField.js';
export { optionsSchema } from './fields/optionsSchema.js';
export { parseOption } from './fields/parseOption.js';
export { readOptions } from './fields/readOptions.js';
export { refuseOption } from './fields/refuseOption.js';
export { fileSystemError } from './disk/fileSystemError.js';
export { makeFolder } from './disk/makeFolder.js';
export { writeFileAtomically } from './disk/writeFileAtomically.js';
export type { JsonObject } from './disk/readJsonFile.js';
export { scanJson } from './disk/scanJson.js';
export type { JsonProblem } from './disk/scanJson.js';
export { createDevice } from './device/createDevice.js';
export { InlineDevice } from './device/InlineDevice.js';
export { ProcessDevice } from './device/ProcessDevice.js';
export type { Device } from './device/Device.js';
export { serializeOnnx } from './graph/onnx/serializeOnnx.js';
export { containerMemory } from './device/containerMemory.js';
export { MemoryBudget } from './device/MemoryBudget.js';
export type { DeviceRows, RowRange, RowsOptions } from './device/DeviceRows.js';
export type { DeviceTensor } from './device/DeviceTensor.js';
export type { FileRange } from './device/FileRange.js';
export type { OnnxModel } from './device/OnnxModel.js';
export { OPTIMIZED_GRAPH, OPTIMIZED_WEIGHTS } from './device/OptimizationTarget.js';
export type { OptimizationTarget } from './device/OptimizationTarget.js';
export { collectGarbage } from './device/collectGarbage.js';
export { instructionSets } from './device/instructionSets.js';
export { runtimeIdentity } from './device/runtimeIdentity.js';
export type { RuntimeIdentity } from './device/runtimeIdentity.js';
export { spillFolder } from './device/spillFolder.js';
export type { SessionMode } from './device/OnnxModel.js';
export type { ProcessMemory } from './device/ProcessMemory.js';
export type { Program, ProgramResult, ProgramStep } from './device/Program.js';
export { imagesFromPixels, imagesFromSample, pixelsFromSample } from './images/imagesFromSample.js';
export type { PlainImage } from './images/ImageParts.js';
export { resizeImage } from './images/resize/resizeImage.js';
export type { ResizeOptions } from './images/resize/resizeImage.js';
export { InputPictures } from './sampling/InputPictures.js';
export type { InputPicturesOptions } from './sampling/InputPictures.js';
export { imageField } from './sampling/starts/imageField.js';
export { convolveGrey } from './images/convolveGrey.js';
