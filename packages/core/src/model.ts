// The public API of @thimble/core/model, for authors of models, schedulers and pipelines.
import './extension/coreCopies.js';

export { Pipeline } from './run/Pipeline.js';
export type { PreparedRun } from './run/PreparedRun.js';
export type { PipelinePart, PipelineParts } from './run/PipelineParts.js';
export type { PipelineRun } from './run/PipelineRun.js';
export { outputTypeField, previewsField, runFields, sideField, sigmasField } from './run/runFields.js';
export { assertFinite } from './sampling/assertFinite.js';
export { decodeImages, decodePixels } from './sampling/decodeImages.js';
export { decodeVideoPixels, decodeVideos } from './sampling/decodeVideos.js';
export { denoise } from './sampling/denoise.js';
export type { Denoising } from './sampling/denoise.js';
export type { PromptEncoder } from './sampling/EncodingCall.js';
export { encodePrompt } from './sampling/encodePrompt.js';
export { guidanceEmbedding, predictGuided } from './sampling/guidance.js';
export type { Guidance } from './sampling/guidance.js';
export { guidedEmbeds } from './sampling/guidedEmbeds.js';
export type { GuidedPrompts } from './sampling/guidedEmbeds.js';
export { imageResult } from './sampling/imageResult.js';
export type { ResultParts } from './sampling/imageResult.js';
export { lastHiddenState } from './sampling/lastHiddenState.js';
export { LatentPreview } from './sampling/LatentPreview.js';
export { noiseSource } from './sampling/noiseSource.js';
export type { NoiseOptions, NoiseSource } from './sampling/noiseSource.js';
export { prepareRun } from './sampling/prepareRun.js';
export type { SamplingOptions, SamplingRun } from './sampling/prepareRun.js';
export { readPrompts } from './sampling/readPrompts.js';
export type { PromptOptions, Prompts } from './sampling/readPrompts.js';
export { denoiserInput } from './sampling/starts/denoiserInput.js';
export type { DenoiserInput } from './sampling/starts/denoiserInput.js';
export { fromNoise } from './sampling/starts/fromNoise.js';
export type { NoiseStart } from './sampling/starts/fromNoise.js';
export { layOver } from './sampling/starts/layOver.js';
export { countConvolutions } from './graph/passes/winograd/countConvolutions.js';
export type { ConvolutionCounts } from './graph/passes/winograd/countConvolutions.js';
export { computeFields } from './run/computeFields.js';
export { pictureFields } from './sampling/starts/pictureFields.js';
export type { PictureValues } from './sampling/starts/pictureFields.js';
export type { PictureCrop, Pictures, StartImage, StartMask } from './sampling/starts/Pictures.js';
export { checkPictureOptions, readPictures } from './sampling/starts/readPictures.js';
export type { PictureReader, PictureRunOptions } from './sampling/starts/readPictures.js';
export type { Start } from './sampling/starts/Start.js';
export { beginRun, startOf } from './sampling/starts/startOf.js';
export type { Beginning, BeginningParts, StartParts, StrengthDefaults } from './sampling/starts/startOf.js';
export { timestepTensor } from './sampling/timestepTensor.js';
export { vaeScaleFactor } from './sampling/vaeScaleFactor.js';
export { videoResult } from './sampling/videoResult.js';
export { pipelineRegistry } from './pipelines/pipelineRegistry.js';
export { nominalShapes } from './models/nominalShapes.js';
export { readSchedulerConfig } from './schedulers/readSchedulerConfig.js';
export type { SchedulerConfig, SchedulerConfigInput } from './schedulers/readSchedulerConfig.js';
export {
  booleanField,
  choiceField,
  described,
  expectedFor,
  integerField,
  nullable,
  numberField,
  numbersField,
} from './fields/Field.js';
export type {
  ConfigField,
  ConfigFields,
  ConfigValues,
  Field,
  Fields,
  FieldText,
  FieldValues,
  JsonSchema,
  OptionsOf,
} from './fields/Field.js';
export { objectField, signalField, tensorField } from './fields/objectField.js';
export { eitherField, listField, optional, required, textField } from './fields/optionFields.js';
export { Model } from './models/Model.js';
export type { EntrySequence, InputShapes, ModelClass, ModelEntry, ModelInput, TilingDefaults } from './models/Model.js';
export { CLIPEncoder, readCLIPEncoderOptions } from './models/CLIPEncoder.js';
export type { CLIPEncoderOptions } from './models/CLIPEncoder.js';
export { UNetEncoder } from './models/UNetEncoder.js';
export type { EncodedSample } from './models/UNetEncoder.js';
export { readUNetOptions } from './models/UNetOptions.js';
export type { UNetOptions } from './models/UNetOptions.js';
export type { UNetConditions } from './models/blocks/UNetBlocks2D.js';
export { DOWN_RESIDUAL, MID_RESIDUAL, residualInputs, residualSizes } from './models/residualInputs.js';
export type { ModelConfig } from './fields/ConfigReader.js';
export { modelRegistry } from './models/modelRegistry.js';
export type { Layer } from './graph/Module.js';
export { Parameter } from './graph/Parameter.js';
export { openComponentCheckpoint } from './weights/ComponentCheckpoint.js';
export type {
  CheckpointWarning,
  ComponentCheckpoint,
  ComponentCheckpointOptions,
} from './weights/ComponentCheckpoint.js';
export { openModelIndex } from './weights/openModelIndex.js';
export type { ModelIndexOptions } from './weights/openModelIndex.js';
export { placeOf } from './weights/PartPlace.js';
export type { PartPlace, PlacedWeights } from './weights/PartPlace.js';
export { readModelIndex } from './weights/ModelIndex.js';
export type { ComponentClass, ModelIndex } from './weights/ModelIndex.js';
export { isPassedOver, partKind } from './weights/partKind.js';
export type { PartKind } from './weights/partKind.js';
export { cachedModels, removeCachedModel } from './weights/hub/cachedModels.js';
export type { CachedModel } from './weights/hub/cachedModels.js';
export { resolveModel } from './weights/resolveModel.js';
export type { ResolveModelOptions, ResolvedModel } from './weights/resolveModel.js';
export type { ComponentChoice } from './weights/hub/planCheckpointFiles.js';
export { createTokenizer } from './tokenizers/createTokenizer.js';
export { tokenizerRegistry } from './tokenizers/tokenizerRegistry.js';
export type { TokenizerClass } from './tokenizers/Tokenizer.js';

export { Module } from './graph/Module.js';
export { Value } from './graph/Value.js';
export { segment } from './graph/segment.js';
export {
  builderOf,
  add,
  mul,
  scale,
  matMul,
  gemm,
  reshape,
  transpose,
  concat,
  split,
  slice,
  gather,
  averagePoolFrames,
  cast,
  sin,
  cos,
  softmax,
  sigmoid,
  gelu,
  geluTanh,
  relu,
  mish,
  silu,
  quickGelu,
  expandRank,
  resizeNearest,
  upscaleNearest,
  ONNX_TYPE,
} from './graph/operations.js';
export { Conv2d } from './graph/nn/Conv2d.js';
export type { Padding } from './graph/nn/Conv2d.js';
export { Conv3d } from './graph/nn/Conv3d.js';
export type { Conv3dOptions, PerAxis } from './graph/nn/Conv3d.js';
export { Embedding } from './graph/nn/Embedding.js';
export { GroupNorm } from './graph/nn/GroupNorm.js';
export { LayerNorm } from './graph/nn/LayerNorm.js';
export { Linear } from './graph/nn/Linear.js';
export { attention } from './graph/nn/attention.js';
export { RMSNorm } from './graph/nn/RMSNorm.js';
export { rotaryEmbedding } from './graph/nn/rotaryEmbedding.js';
export { ConfigReader } from './fields/ConfigReader.js';
export { loadPretrained } from './models/loadPretrained.js';
