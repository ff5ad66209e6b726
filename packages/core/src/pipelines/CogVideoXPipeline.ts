import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { Tensor } from 'onnxruntime-common';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { Image } from '../images/Image.js';
import type { GenerateOptions, GenerateResult, OutputType, Prompt } from '../run/GenerateOptions.js';
import { Pipeline } from '../run/Pipeline.js';
import { drawNoise } from '../random/drawNoise.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { runSource } from '../run/pngParameters.js';
import { assertFinite } from '../sampling/assertFinite.js';
import { decodeVideos } from '../sampling/decodeVideos.js';
import { checkRoom, type RoomLack } from '../sampling/checkRoom.js';
import { denoise } from '../sampling/denoise.js';
import type { PromptEncoder } from '../sampling/EncodingCall.js';
import { predictGuided } from '../sampling/guidance.js';
import { guidedEmbeds } from '../sampling/guidedEmbeds.js';
import { latentFramesOf } from '../sampling/latentFrames.js';
import { prepareRun, type SamplingRun } from '../sampling/prepareRun.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import { fromNoise } from '../sampling/starts/fromNoise.js';
import { checkGuidanceList, guidanceAt } from '../sampling/stepGuidance.js';
import { timestepTensor } from '../sampling/timestepTensor.js';
import { vaeScaleFactor } from '../sampling/vaeScaleFactor.js';
import { videoResult } from '../sampling/videoResult.js';
import { cogVideoXFields, type CogVideoXValues, fieldsForModel } from './CogVideoXOptions.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { openAs } from './openAs.js';

/** What a video pipeline's `generate` returns. */
export type VideoResult<O extends OutputType = OutputType> = GenerateResult<O> & {
  readonly frames: O extends 'image' ? Image[][] : Tensor;
};

type CogVideoXRun = SamplingRun<CogVideoXValues>;

/** Text to video with CogVideoX (source: diffusers pipelines/cogvideo/pipeline_cogvideox.py). */
export class CogVideoXPipeline extends Pipeline<typeof cogVideoXFields, CogVideoXRun> {
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = cogVideoXFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends CogVideoXPipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs({ CogVideoXPipeline: this }, folderOrId, options);
  }

  override async generate<O extends OutputType = 'image'>(
    prompt: Prompt,
    options: GenerateOptions<O> = {},
  ): Promise<VideoResult<O>> {
    return (await super.generate(prompt, options)) as VideoResult<O>;
  }

  /** How many times smaller latents are than pictures, on each side. */
  get vaeScaleFactorSpatial(): number {
    return vaeScaleFactor(this.components['vae']?.config);
  }

  /** How many frames are one latent frame, but for the first. */
  get vaeScaleFactorTemporal(): number {
    return Number(this.components['vae']?.config['temporal_compression_ratio'] ?? 4);
  }

  protected get fields(): typeof cogVideoXFields {
    return fieldsForModel(this.components['transformer']?.config ?? {}, this.vaeScaleFactorSpatial);
  }

  protected prepare(prompt: Prompt, options: CogVideoXValues): CogVideoXRun {
    const { outputType, promptEmbeds } = options;
    this.require('transformer', outputType !== 'latent' && 'vae', promptEmbeds === undefined && 'text_encoder');
    const run = prepareRun(this.scheduler, prompt, options);
    checkGuidanceList(options, run.steps);
    checkLatents(options.latents, this.#latentDims(run.options));
    return run;
  }

  protected override async checkRoom({ options }: CogVideoXRun, signal: AbortSignal): Promise<void> {
    const step = this.vaeScaleFactorSpatial;
    await checkRoom(options, { step, lackAt: async (sides) => this.#lackAt({ ...options, ...sides }), signal });
  }

  /** Of the decoding, which goes piece by piece, the first piece is looked at; a plugin that decodes in tiles knows better. */
  async #lackAt(options: CogVideoXRun['options']): Promise<RoomLack | undefined> {
    const { vae } = this.components;
    const [, latentFrames = 1, , latentHeight = 1, latentWidth = 1] = this.#latentDims({ ...options, count: 1 });
    const excess = await this.transformer.excess('call', { latentFrames, latentHeight, latentWidth });
    if (excess !== undefined) return { ...excess, what: 'transformer.call' };
    if (vae === undefined || options.outputType === 'latent' || this.hooks.beforeDecode.isUsed()) return undefined;
    const [first = 1] = vae.model.entries['decode']?.sequence?.pieces(latentFrames) ?? [];
    const decoding = await vae.excess('decode', { latentFrames: first, latentHeight, latentWidth });
    return decoding && { ...decoding, what: 'vae.decode' };
  }

  protected async *sample(
    { options, noise: { generator, seeds } }: CogVideoXRun,
    run: PipelineRun,
  ): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const transformer = this.component('transformer');
    const { numFrames, eta, outputType } = options;

    // 1. The prompt becomes embeddings
    const guided = [options.guidanceScale].flat().some((scale) => scale > 1);
    const encoder = (): PromptEncoder => this.#promptEncoder(options.maxSequenceLength, run.callOptions);
    const embeds = yield* run.timed('encodePrompt', guidedEmbeds(run, encoder, options, guided));

    // 2. Noise
    const { warning } = latentFramesOf(numFrames, this.vaeScaleFactorTemporal);
    if (warning !== undefined && outputType !== 'latent') this.warn('WARN_FRAME_COUNT', warning);
    const dims = this.#latentDims(options);
    const noise = options.latents ?? (await drawNoise(generator, dims, run.signal));
    const start = fromNoise({ scheduler, generator, dims, latents: noise });

    // 3. The transformer predicts what of it is not the video
    const predict = async (latents: Tensor, timestep: number, index: number): Promise<Tensor> => {
      const scale = guidanceAt(options, index, timestep, options.numInferenceSteps);
      return predictGuided(latents, { guided, scale }, async (hidden_states) => {
        const inputs = { hidden_states, encoder_hidden_states: embeds, timestep: timestepTensor(timestep) };
        return (await transformer.call(inputs, run.callOptions))['sample'] as Tensor;
      });
    };
    const latents = yield* denoise(run, { scheduler, start, predict, generator, eta });

    // 4. Latents become frames
    return yield* videoResult(run, {
      latents,
      options,
      seeds,
      vae: this.components['vae'],
      source: runSource(this, scheduler),
    });
  }

  /** Turns latents [n, latent frames, c, h, w] into the frames of all videos, one after the other. */
  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Image[]> {
    checkOptionNames(options, ['signal'], 'decodeLatents');
    assertFinite(latents, 'given to decodeLatents');
    return (await decodeVideos(this.component('vae'), latents, options)).flat();
  }

  #latentDims({ count, numFrames, height, width }: CogVideoXRun['options']): readonly number[] {
    const { latentFrames } = latentFramesOf(numFrames, this.vaeScaleFactorTemporal);
    const [channels, factor] = [
      Number(this.component('transformer').config['in_channels'] ?? 16),
      this.vaeScaleFactorSpatial,
    ];
    return [count, latentFrames, channels, height / factor, width / factor];
  }

  #promptEncoder(maxLength: number, options: CallOptions): PromptEncoder {
    const encoder = this.component('text_encoder');
    const encode: PromptEncoder['encode'] = async (inputs) => ({
      embeds: (await encoder.call(inputs, options))['last_hidden_state'] as Tensor,
    });
    return { encoder, tokenizer: this.tokenizer, maxLength, encode };
  }
}
