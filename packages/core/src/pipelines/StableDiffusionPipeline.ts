import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { RunContext } from '../hooks/calls/RunContext.js';
import type { StepContext } from '../hooks/calls/StepContext.js';
import type { Image } from '../images/Image.js';
import { GrowingImage } from '../images/GrowingImage.js';
import { pixelsFromSample } from '../images/imagesFromSample.js';
import type { SetTimestepsOptions } from '../schedulers/Scheduler.js';
import { assertFinite } from '../sampling/assertFinite.js';
import { concatBatch, repeatBatch } from '../execution/batch.js';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { Component } from '../execution/Component.js';
import { copyOf } from '../sampling/copyOf.js';
import { Pipeline } from '../run/Pipeline.js';
import type { PipelineParts } from '../run/PipelineParts.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { openAs } from './openAs.js';
import type { GenerateOptions, GenerateResult, Prompt } from '../run/GenerateOptions.js';
import { guidanceEmbedding, guidedPrediction } from '../sampling/guidance.js';
import { LatentPreview } from '../sampling/LatentPreview.js';
import { noiseSource } from '../sampling/noiseSource.js';
import { sampleSizeOf, withCorrectedScheduler } from './outdatedConfigs.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { pngParameters } from '../run/pngParameters.js';
import { startLatents } from '../sampling/startLatents.js';
import { resolveOptions, STABLE_DIFFUSION_OPTIONS, type StableDiffusionOptions } from './StableDiffusionOptions.js';
import { timestepTensor } from '../sampling/timestepTensor.js';
import { latentUnscaler, unscaleLatents } from '../sampling/unscaleLatents.js';

/**
 * Text to image with latent diffusion, Stable Diffusion 1.x and 2.x (source: diffusers
 * pipelines/stable_diffusion/pipeline_stable_diffusion.py).
 */
export class StableDiffusionPipeline extends Pipeline {
  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained(
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<StableDiffusionPipeline> {
    return openAs({ StableDiffusionPipeline }, folderOrId, options);
  }

  protected readonly optionNames: readonly string[] = STABLE_DIFFUSION_OPTIONS;
  #preview: { readonly vae: Component; readonly preview: LatentPreview } | undefined;

  constructor(parts: PipelineParts) {
    super(withCorrectedScheduler(parts));
  }

  /** How many times smaller latents are than pictures, on each side. */
  get vaeScaleFactor(): number {
    const blocks = this.components['vae']?.config['block_out_channels'];
    return 2 ** ((Array.isArray(blocks) ? blocks.length : 4) - 1);
  }

  protected prepare(prompt: Prompt, options: GenerateOptions): Pick<RunContext, 'steps' | 'options'> {
    const resolved = this.#resolve(prompt, options);
    this.#setTimesteps(resolved);
    const steps = this.scheduler.timesteps.length;
    return { steps, options: { ...resolved, numInferenceSteps: resolved.numInferenceSteps ?? steps } };
  }

  protected async *sample(
    prompt: Prompt,
    options: GenerateOptions,
    run: PipelineRun,
  ): AsyncGenerator<PipelineEvent, GenerateResult> {
    const unet = this.component('unet');
    const { scheduler } = this;
    const resolved = this.#resolve(prompt, options);
    const { width, height, guidanceScale, guidanceRescale, eta, count } = resolved;
    const guided = guidanceScale > 1 && unet.config['time_cond_proj_dim'] == null;

    // 1. The prompt becomes embeddings, [2 · images or images, tokens, width]
    const encodeStarted = performance.now();
    const embeds = await this.#encodePrompt(resolved, guided, run);
    const encodePrompt = performance.now() - encodeStarted;
    yield* run.drain();

    // 2. Timesteps and noise
    this.#setTimesteps(resolved);
    const { seeds, generator } = noiseSource(options, count);
    const channels = Number(unet.config['in_channels'] ?? 4);
    let latents = startLatents(
      options,
      [count, channels, height / this.vaeScaleFactor, width / this.vaeScaleFactor],
      generator,
      scheduler,
    );

    // 3. Denoising
    const condition = this.#guidanceCondition(unet, guidanceScale, embeds.dims[0] as number);
    const preview =
      options.previews === true || options.previews === 'rgb' ? await this.#measurePreview(run) : undefined;
    const steps: number[] = [];
    for (const [index, timestep] of scheduler.timesteps.entries()) {
      const started = performance.now();
      const step: StepContext = { index, timestep, latents, run: run.context, signal: run.signal };
      await this.hooks.beforeStep.call(step);
      const input = scheduler.scaleModelInput(
        guided ? concatBatch([step.latents, step.latents]) : step.latents,
        timestep,
      );
      const output = yield* run.during(
        unet.call(
          { sample: input, timestep: timestepTensor(timestep), encoder_hidden_states: embeds, ...condition },
          { run: run.context, signal: run.signal },
        ),
      );
      const prediction = guided
        ? guidedPrediction(output['sample'] as Tensor, guidanceScale, guidanceRescale)
        : (output['sample'] as Tensor);
      const { prevSample, predOriginalSample } = scheduler.step(prediction, timestep, step.latents, { eta, generator });
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
      if (preview !== undefined) yield { type: 'preview', index, images: preview.draw(predOriginalSample ?? latents) };
      yield { type: 'memory', memory: run.memory.sample() };
      run.signal?.throwIfAborted();
    }

    // 4. Latents become pictures
    const decodeStarted = performance.now();
    const images = yield* run.during(this.#output(latents, resolved, seeds, run));
    const decode = performance.now() - decodeStarted;
    yield* run.drain();
    if (resolved.outputType !== 'latent') yield { type: 'decode', images: count, milliseconds: decode };
    return {
      images: images as Image[],
      seeds,
      timings: { total: performance.now() - run.started, encodePrompt, steps, decode },
      memory: run.memory.report(),
    };
  }

  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal } = {}): Promise<Image[]> {
    assertFinite(latents, 'given to decodeLatents');
    return this.#decodeImages(latents, options);
  }

  #resolve(prompt: Prompt, options: GenerateOptions): StableDiffusionOptions {
    for (const name of ['unet', ...(options.outputType === 'latent' ? [] : ['vae'])]) this.component(name);
    if (options.promptEmbeds === undefined) this.component('text_encoder');
    return resolveOptions(prompt, options, {
      sampleSize: sampleSizeOf(this.component('unet').config),
      scaleFactor: this.vaeScaleFactor,
    });
  }

  /** Own timesteps or sigmas say how many there are. */
  #setTimesteps({ numInferenceSteps, timesteps, sigmas }: StableDiffusionOptions): void {
    const own: SetTimestepsOptions = {
      ...(timesteps === undefined ? {} : { timesteps }),
      ...(sigmas === undefined ? {} : { sigmas }),
    };
    this.scheduler.setTimesteps(numInferenceSteps, own);
  }

  async #encodePrompt(
    {
      prompts,
      negativePrompts,
      promptEmbeds,
      negativePromptEmbeds,
      numImagesPerPrompt,
      clipSkip,
    }: StableDiffusionOptions,
    guided: boolean,
    run: PipelineRun,
  ): Promise<Tensor> {
    const positive = promptEmbeds ?? (await this.#embed(prompts, clipSkip, run));
    const repeated = repeatBatch(positive, numImagesPerPrompt);
    if (!guided) return repeated;
    // As in diffusers, clipSkip concerns the prompt alone.
    const negative = negativePromptEmbeds ?? (await this.#embed(negativePrompts, 0, run));
    if (negative.dims.join() !== positive.dims.join()) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'negativePromptEmbeds',
        value: negative.dims,
        expected: `the shape of promptEmbeds, [${positive.dims.join(', ')}]`,
      });
    }
    return concatBatch([repeatBatch(negative, numImagesPerPrompt), repeated]);
  }

  async #embed(prompts: readonly string[], clipSkip: number, run: PipelineRun): Promise<Tensor> {
    const encoder = this.component('text_encoder');
    const { tokenizer } = this;
    const limit = Number(encoder.config['max_position_embeddings'] ?? Infinity);
    const maxLength = Math.min(tokenizer.modelMaxLength, limit);
    const { input_ids } = tokenizer.encode(prompts, { maxLength });
    for (const rest of prompts.map((prompt) => tokenizer.truncated(prompt, { maxLength }))) {
      if (rest !== undefined)
        this.warn(
          'WARN_PROMPT_TRUNCATED',
          `The prompt is longer than ${maxLength} tokens; this was left out: "${rest}"`,
        );
    }
    const options = { run: run.context, signal: run.signal };
    if (clipSkip === 0) return (await encoder.call({ input_ids }, options))['last_hidden_state'] as Tensor;
    const layers = Number(encoder.config['num_hidden_layers'] ?? 12);
    if (clipSkip > layers)
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'clipSkip',
        value: clipSkip,
        expected: `at most ${layers}, the layers of the text encoder`,
      });
    const name = `hidden_states.${layers - clipSkip}`;
    const { [name]: hidden } = await encoder.call({ input_ids }, { ...options, outputs: [name] });
    return (await encoder.invoke('normalize', { hidden_states: hidden as Tensor }, options))[
      'last_hidden_state'
    ] as Tensor;
  }

  #guidanceCondition(unet: Component, guidanceScale: number, count: number): { timestep_cond?: Tensor } {
    const width = unet.config['time_cond_proj_dim'];
    return typeof width === 'number' ? { timestep_cond: guidanceEmbedding(guidanceScale, count, width) } : {};
  }

  async #output(
    latents: Tensor,
    resolved: StableDiffusionOptions,
    seeds: readonly number[],
    run: PipelineRun,
  ): Promise<Image[] | Tensor> {
    const { outputType } = resolved;
    if (outputType === 'latent') return latents;
    const options = { run: run.context, signal: run.signal };
    if (outputType === 'tensor')
      return pixelsFromSample((await this.component('vae').decode({ z: this.#unscaled(latents) }, options)).sample);
    return this.#decodeImages(latents, options, (image, index) => {
      Object.assign(image.metadata, pngParameters(this, resolved, index, seeds));
      run.emit({ type: 'image', index, image, seed: seeds[index] });
    });
  }

  /** Each picture is made from its rows as they come, and handed on before the next one. */
  async #decodeImages(
    latents: Tensor,
    options: CallOptions,
    done: (image: Image, index: number) => void = () => undefined,
  ): Promise<Image[]> {
    const images: Image[] = [];
    let growing: GrowingImage | undefined;
    await this.component('vae').decodeRows(
      { z: this.#unscaled(latents) },
      ({ index, top, height, rows }) => {
        growing ??= new GrowingImage(index, rows.dims[3] as number, height);
        growing.add(top, rows.data as Float32Array);
        if (!growing.complete) return;
        images.push(growing.toImage());
        growing = undefined;
        done(images.at(-1) as Image, index);
      },
      options,
    );
    return images;
  }

  #unscaled(latents: Tensor): Tensor {
    return unscaleLatents(latents, this.component('vae').config);
  }

  async #measurePreview(run: PipelineRun): Promise<LatentPreview> {
    const vae = this.component('vae');
    if (this.#preview?.vae !== vae) {
      const channels = Number(vae.config['latent_channels'] ?? 4);
      this.#preview = {
        vae,
        preview: await LatentPreview.measure(vae, channels, latentUnscaler(vae.config), run.signal),
      };
    }
    return this.#preview.preview;
  }
}
