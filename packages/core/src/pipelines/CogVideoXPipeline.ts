import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { RunContext } from '../hooks/calls/RunContext.js';
import type { StepContext } from '../hooks/calls/StepContext.js';
import type { Image } from '../images/Image.js';
import { pixelOfSample } from '../images/GrowingImage.js';
import { assertFinite } from '../sampling/assertFinite.js';
import { concatBatch } from '../execution/batch.js';
import {
  checkGuidanceList,
  COGVIDEOX_OPTIONS,
  type CogVideoXOptions,
  resolveCogVideoXOptions,
} from './CogVideoXOptions.js';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import { copyOf } from '../sampling/copyOf.js';
import { Pipeline } from '../run/Pipeline.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { openAs } from './openAs.js';
import type { GenerateOptions, GenerateResult, OutputType, Prompt } from '../run/GenerateOptions.js';
import { guidedPrediction } from '../sampling/guidance.js';
import { noiseSource } from '../sampling/noiseSource.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { pngParameters } from '../run/pngParameters.js';
import { startLatents } from '../sampling/startLatents.js';
import { timestepTensor } from '../sampling/timestepTensor.js';
import { unscaleLatents } from '../sampling/unscaleLatents.js';
import { type FrameReader, VideoFrames, videoPixels } from '../sampling/VideoFrames.js';

/** What a video pipeline's `generate` returns. */
export type VideoResult<O extends OutputType = OutputType> = GenerateResult<O> & {
  readonly frames: O extends 'image' ? Image[][] : Tensor;
};

/** Text to video with CogVideoX (source: diffusers pipelines/cogvideo/pipeline_cogvideox.py). */
export class CogVideoXPipeline extends Pipeline {
  protected readonly optionNames: readonly string[] = COGVIDEOX_OPTIONS;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained(folderOrId: string, options: FromPretrainedOptions = {}): Promise<CogVideoXPipeline> {
    return openAs({ CogVideoXPipeline }, folderOrId, options);
  }

  override async generate<O extends OutputType = 'image'>(
    prompt: Prompt,
    options: GenerateOptions<O> = {},
  ): Promise<VideoResult<O>> {
    return (await super.generate(prompt, options)) as VideoResult<O>;
  }

  /** How many times smaller latents are than pictures, on each side. */
  get vaeScaleFactorSpatial(): number {
    const blocks = this.components['vae']?.config['block_out_channels'];
    return 2 ** ((Array.isArray(blocks) ? blocks.length : 4) - 1);
  }

  /** How many frames are one latent frame, but for the first. */
  get vaeScaleFactorTemporal(): number {
    return Number(this.components['vae']?.config['temporal_compression_ratio'] ?? 4);
  }

  protected prepare(prompt: Prompt, options: GenerateOptions): Pick<RunContext, 'steps' | 'options'> {
    const resolved = this.#resolve(prompt, options);
    this.#setTimesteps(resolved);
    checkGuidanceList(resolved, this.scheduler.timesteps.length);
    return { steps: this.scheduler.timesteps.length, options: { ...resolved } };
  }

  protected async *sample(
    prompt: Prompt,
    options: GenerateOptions,
    run: PipelineRun,
  ): AsyncGenerator<PipelineEvent, GenerateResult> {
    const transformer = this.component('transformer');
    const { scheduler } = this;
    const resolved = this.#resolve(prompt, options);
    const { width, height, count, eta } = resolved;
    const guided = [resolved.guidanceScale].flat().some((scale) => scale > 1);

    // 1. The prompt becomes embeddings, [2 · videos or videos, tokens, width]
    const encodeStarted = performance.now();
    const embeds = yield* run.during(this.#encodePrompt(resolved, guided, run));
    const encodePrompt = performance.now() - encodeStarted;

    // 2. Timesteps and noise
    this.#setTimesteps(resolved);
    const { seeds, generator } = noiseSource(options, count);
    const latentFrames = this.#latentFrames(resolved);
    const channels = Number(transformer.config['in_channels'] ?? 16);
    const factor = this.vaeScaleFactorSpatial;
    let latents = startLatents(
      options,
      [count, latentFrames, channels, height / factor, width / factor],
      generator,
      scheduler,
    );

    // 3. Denoising. What CogVideoX' DPM solver looks back at is handed to it, as diffusers does; the other schedulers pass over it
    const steps: number[] = [];
    let oldPredOriginalSample: Tensor | null = null;
    for (const [index, timestep] of scheduler.timesteps.entries()) {
      const started = performance.now();
      const step: StepContext = { index, timestep, latents, run: run.context, signal: run.signal };
      await this.hooks.beforeStep.call(step);
      const input = scheduler.scaleModelInput(
        guided ? concatBatch([step.latents, step.latents]) : step.latents,
        timestep,
      );
      const output = yield* run.during(
        transformer.call(
          { hidden_states: input, encoder_hidden_states: embeds, timestep: timestepTensor(timestep) },
          { run: run.context, signal: run.signal },
        ),
      );
      const prediction = guided
        ? guidedPrediction(output['sample'] as Tensor, guidanceAt(resolved, index, timestep))
        : (output['sample'] as Tensor);
      const { prevSample, predOriginalSample } = scheduler.step(prediction, timestep, step.latents, {
        eta,
        generator,
        oldPredOriginalSample,
        timestepBack: scheduler.timesteps[index - 1] ?? null,
      });
      oldPredOriginalSample = predOriginalSample ?? null;
      step.latents = prevSample;
      assertFinite(step.latents, `after step ${index + 1} of ${scheduler.timesteps.length}`);
      await this.hooks.afterStep.call(step);
      latents = step.latents;
      steps.push(performance.now() - started);
      yield* run.drain();
      yield {
        type: 'step',
        index,
        steps: scheduler.timesteps.length,
        timestep,
        milliseconds: steps.at(-1) as number,
        latents: copyOf(latents),
      };
      yield { type: 'memory', memory: run.memory.sample() };
      run.signal?.throwIfAborted();
    }

    // 4. Latents become frames
    const decodeStarted = performance.now();
    const frames = yield* run.during(this.#output(latents, resolved, seeds, run));
    const decode = performance.now() - decodeStarted;
    yield* run.drain();
    const images = Array.isArray(frames) ? frames.flat() : (frames as unknown as Image[]);
    if (Array.isArray(frames) || resolved.outputType === 'tensor')
      yield {
        type: 'decode',
        images: Array.isArray(frames) ? images.length : frames.dims[0]! * frames.dims[1]!,
        milliseconds: decode,
      };
    return {
      images,
      frames: frames as Image[][],
      seeds,
      timings: { total: performance.now() - run.started, encodePrompt, steps, decode },
      memory: run.memory.report(),
    };
  }

  /** Turns latents [n, latent frames, c, h, w] into the frames of all videos, one after the other. */
  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal } = {}): Promise<Image[]> {
    assertFinite(latents, 'given to decodeLatents');
    return (await this.#decodeFrames(latents, options)).flat();
  }

  #resolve(prompt: Prompt, options: GenerateOptions): CogVideoXOptions {
    for (const name of ['transformer', ...(options.outputType === 'latent' ? [] : ['vae'])]) this.component(name);
    if (options.promptEmbeds === undefined) this.component('text_encoder');
    const { config } = this.component('transformer');
    return resolveCogVideoXOptions(prompt, options, {
      sampleHeight: Number(config['sample_height'] ?? 60),
      sampleWidth: Number(config['sample_width'] ?? 90),
      sampleFrames: Number(config['sample_frames'] ?? 49),
      maxTextLength: Number(config['max_text_seq_length'] ?? 226),
      patchSize: Number(config['patch_size'] ?? 2),
      scaleFactor: this.vaeScaleFactorSpatial,
    });
  }

  #setTimesteps({ numInferenceSteps, timesteps }: CogVideoXOptions): void {
    this.scheduler.setTimesteps(numInferenceSteps, timesteps === undefined ? {} : { timesteps });
  }

  /** As diffusers: frames that do not fit are left out or added by the VAE; whoever asked for another number is told. */
  #latentFrames({ numFrames, outputType }: CogVideoXOptions): number {
    const factor = this.vaeScaleFactorTemporal;
    const latentFrames = Math.floor((numFrames - 1) / factor) + 1;
    const decoded = latentFrames % 2 === 0 ? latentFrames * factor : (latentFrames - 1) * factor + 1;
    if (decoded !== numFrames && outputType !== 'latent') {
      this.warn(
        'WARN_FRAME_COUNT',
        `The video will have ${decoded} frames, not ${numFrames}: the VAE makes 1 frame of the first latent frame and ${factor} of each other, or ${factor} of each if their number is even. Multiples of ${2 * factor} fit, and one more.`,
      );
    }
    return latentFrames;
  }

  async #encodePrompt(
    { prompts, negativePrompts, promptEmbeds, negativePromptEmbeds, maxSequenceLength }: CogVideoXOptions,
    guided: boolean,
    run: PipelineRun,
  ): Promise<Tensor> {
    const positive = promptEmbeds ?? (await this.#embed(prompts, maxSequenceLength, run));
    if (!guided) return positive;
    const negative = negativePromptEmbeds ?? (await this.#embed(negativePrompts, maxSequenceLength, run));
    if (negative.dims.join() !== positive.dims.join()) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'negativePromptEmbeds',
        value: negative.dims,
        expected: `the shape of promptEmbeds, [${positive.dims.join(', ')}]`,
      });
    }
    return concatBatch([negative, positive]);
  }

  async #embed(prompts: readonly string[], maxLength: number, run: PipelineRun): Promise<Tensor> {
    const { tokenizer } = this;
    for (const rest of prompts.map((prompt) => tokenizer.truncated(prompt, { maxLength }))) {
      if (rest !== undefined)
        this.warn(
          'WARN_PROMPT_TRUNCATED',
          `The prompt is longer than ${maxLength} tokens; this was left out: "${rest}"`,
        );
    }
    const { input_ids } = tokenizer.encode(prompts, { maxLength });
    return (await this.component('text_encoder').call({ input_ids }, { run: run.context, signal: run.signal }))[
      'last_hidden_state'
    ] as Tensor;
  }

  async #output(
    latents: Tensor,
    resolved: CogVideoXOptions,
    seeds: readonly number[],
    run: PipelineRun,
  ): Promise<Image[][] | Tensor> {
    const { outputType } = resolved;
    if (outputType === 'latent') return latents;
    const options = { run: run.context, signal: run.signal };
    if (outputType === 'tensor')
      return videoPixels(
        (await this.component('vae').decode({ z: this.#unscaled(latents) }, options)).sample,
        pixelOfSample,
      );
    return this.#decodeFrames(latents, options, (image, index, frame) => {
      Object.assign(image.metadata, pngParameters(this, resolved, index, seeds));
      run.emit({ type: 'frame', index, frame, image });
    });
  }

  async #decodeFrames(latents: Tensor, options: CallOptions, done?: FrameReader): Promise<Image[][]> {
    const frames = new VideoFrames(done);
    await this.component('vae').decodeRows({ z: this.#unscaled(latents) }, (part) => frames.add(part), options);
    return frames.videos;
  }

  /** [n, frames, c, h, w] → [n, c, frames, h, w], as the VAE decodes them. */
  #unscaled(latents: Tensor): Tensor {
    const [n, frames, channels, height, width] = latents.dims as [number, number, number, number, number];
    const { data } = unscaleLatents(latents, this.component('vae').config);
    const [plane, out] = [height * width, new Float32Array(data.length)];
    for (let i = 0; i < n * frames * channels; i++) {
      const [video, frame, channel] = [
        Math.floor(i / (frames * channels)),
        Math.floor(i / channels) % frames,
        i % channels,
      ];
      out.set(
        (data as Float32Array).subarray(i * plane, (i + 1) * plane),
        ((video * channels + channel) * frames + frame) * plane,
      );
    }
    return new Tensor('float32', out, [n, channels, frames, height, width]);
  }
}

/** The guidance of one step. With dynamic guidance diffusers takes the timestep for the step's index, so that the scale swings; so do we. */
function guidanceAt(
  { guidanceScale, useDynamicCfg, numInferenceSteps: steps }: CogVideoXOptions,
  index: number,
  timestep: number,
): number {
  const scale = typeof guidanceScale === 'number' ? guidanceScale : (guidanceScale[index] as number);
  return useDynamicCfg ? 1 + scale * ((1 - Math.cos(Math.PI * ((steps - timestep) / steps) ** 5)) / 2) : scale;
}
