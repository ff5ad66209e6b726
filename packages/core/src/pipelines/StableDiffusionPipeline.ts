import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { RunContext } from '../hooks/RunContext.js';
import type { StepContext } from '../hooks/StepContext.js';
import type { Image } from '../images/Image.js';
import { GrowingImage } from '../images/GrowingImage.js';
import { pixelsFromSample } from '../images/imagesFromSample.js';
import { BatchGenerator } from '../random/BatchGenerator.js';
import type { Generator } from '../random/Generator.js';
import { randomSeed } from '../random/randomSeed.js';
import { TorchGenerator } from '../random/TorchGenerator.js';
import type { Scheduler, SetTimestepsOptions } from '../schedulers/Scheduler.js';
import { assertFinite } from './assertFinite.js';
import { concatBatch, repeatBatch, splitBatch } from './batch.js';
import type { CallOptions } from './Component.js';
import type { PipelineComponent } from './PipelineComponent.js';
import { DiffusionPipeline, type PipelineParts, type Prompt } from './DiffusionPipeline.js';
import type { GenerateOptions, GenerateResult } from './GenerateOptions.js';
import { guidanceEmbedding, guide, rescaleGuidance } from './guidance.js';
import { LatentPreview } from './LatentPreview.js';
import { correctedScheduler, sampleSizeOf } from './outdatedConfigs.js';
import type { PipelineEvent } from './PipelineEvent.js';
import type { PipelineRun } from './PipelineRun.js';
import { pngParameters } from './pngParameters.js';
import { resolveOptions, STABLE_DIFFUSION_OPTIONS, type StableDiffusionOptions } from './StableDiffusionOptions.js';
import { latentUnscaler, unscaleLatents } from './unscaleLatents.js';

/**
 * Text to image with latent diffusion, Stable Diffusion 1.x and 2.x (source: diffusers
 * pipelines/stable_diffusion/pipeline_stable_diffusion.py).
 */
export class StableDiffusionPipeline extends DiffusionPipeline {
  protected readonly optionNames: readonly string[] = STABLE_DIFFUSION_OPTIONS;
  #preview: { readonly vae: PipelineComponent; readonly preview: LatentPreview } | undefined;

  constructor(parts: PipelineParts) {
    super({ ...parts, scheduler: correctedScheduler(parts) });
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

  protected async * sample(prompt: Prompt, options: GenerateOptions, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult> {
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
    let latents = this.#startLatents(options, [count, channels, height / this.vaeScaleFactor, width / this.vaeScaleFactor], generator, scheduler);

    // 3. Denoising
    const condition = this.#guidanceCondition(unet, guidanceScale, embeds.dims[0] as number);
    const preview = options.previews === true || options.previews === 'rgb' ? await this.#measurePreview(run) : undefined;
    const steps: number[] = [];
    for (const [index, timestep] of scheduler.timesteps.entries()) {
      const started = performance.now();
      const step: StepContext = { index, timestep, latents, run: run.context, signal: run.signal };
      await this.hooks.beforeStep.call(step);
      const input = scheduler.scaleModelInput(guided ? concatBatch([step.latents, step.latents]) : step.latents, timestep);
      const output = yield* run.during(unet.call({ sample: input, timestep: timestepTensor(timestep), encoder_hidden_states: embeds, ...condition }, { run: run.context, signal: run.signal }));
      const prediction = guided ? guidedPrediction(output['sample'] as Tensor, guidanceScale, guidanceRescale) : (output['sample'] as Tensor);
      const { prevSample, predOriginalSample } = scheduler.step(prediction, timestep, step.latents, { eta, generator });
      step.latents = prevSample;
      assertFinite(step.latents, `after step ${index + 1} of ${scheduler.timesteps.length}`);
      await this.hooks.afterStep.call(step);
      latents = step.latents;
      steps.push(performance.now() - started);
      yield* run.drain();
      yield { type: 'step', index, steps: scheduler.timesteps.length, timestep, milliseconds: steps.at(-1) as number, latents: copyOf(latents) };
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
    return { images: images as Image[], seeds, timings: { total: performance.now() - run.started, encodePrompt, steps, decode }, memory: run.memory.report() };
  }

  async decodeLatents(latents: Tensor, options: { readonly signal?: AbortSignal } = {}): Promise<Image[]> {
    assertFinite(latents, 'given to decodeLatents');
    return this.#decodeImages(latents, options);
  }

  #resolve(prompt: Prompt, options: GenerateOptions): StableDiffusionOptions {
    for (const name of ['unet', ...(options.outputType === 'latent' ? [] : ['vae'])]) this.component(name);
    if (options.promptEmbeds === undefined) this.component('text_encoder');
    return resolveOptions(prompt, options, { sampleSize: sampleSizeOf(this.component('unet').config), scaleFactor: this.vaeScaleFactor });
  }

  /** Own timesteps or sigmas say how many there are. */
  #setTimesteps({ numInferenceSteps, timesteps, sigmas }: StableDiffusionOptions): void {
    const own: SetTimestepsOptions = { ...(timesteps === undefined ? {} : { timesteps }), ...(sigmas === undefined ? {} : { sigmas }) };
    this.scheduler.setTimesteps(numInferenceSteps, own);
  }

  async #encodePrompt({ prompts, negativePrompts, promptEmbeds, negativePromptEmbeds, numImagesPerPrompt, clipSkip }: StableDiffusionOptions, guided: boolean, run: PipelineRun): Promise<Tensor> {
    const positive = promptEmbeds ?? await this.#embed(prompts, clipSkip, run);
    const repeated = repeatBatch(positive, numImagesPerPrompt);
    if (!guided) return repeated;
    // As in diffusers, clipSkip concerns the prompt alone.
    const negative = negativePromptEmbeds ?? await this.#embed(negativePrompts, 0, run);
    if (negative.dims.join() !== positive.dims.join()) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'negativePromptEmbeds', value: negative.dims, expected: `the shape of promptEmbeds, [${positive.dims.join(', ')}]` });
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
      if (rest !== undefined) this.warn('WARN_PROMPT_TRUNCATED', `The prompt is longer than ${maxLength} tokens; this was left out: "${rest}"`);
    }
    const options = { run: run.context, signal: run.signal };
    if (clipSkip === 0) return (await encoder.call({ input_ids }, options))['last_hidden_state'] as Tensor;
    const layers = Number(encoder.config['num_hidden_layers'] ?? 12);
    if (clipSkip > layers) throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'clipSkip', value: clipSkip, expected: `at most ${layers}, the layers of the text encoder` });
    const name = `hidden_states.${layers - clipSkip}`;
    const { [name]: hidden } = await encoder.call({ input_ids }, { ...options, outputs: [name] });
    return (await encoder.invoke('normalize', { hidden_states: hidden as Tensor }, options))['last_hidden_state'] as Tensor;
  }

  #startLatents({ latents }: GenerateOptions, dims: readonly number[], generator: Generator, scheduler: Scheduler): Tensor {
    if (latents !== undefined) {
      if (latents.type !== 'float32' || latents.dims.join() !== dims.join()) {
        throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'latents', value: `${latents.type} [${latents.dims.join(', ')}]`, expected: `float32 [${dims.join(', ')}]` });
      }
      assertFinite(latents, 'given as latents');
    }
    const noise = latents ?? generator.randn(dims);
    const sigma = scheduler.initNoiseSigma;
    return new Tensor('float32', (noise.data as Float32Array).map((x) => x * sigma), dims);
  }

  #guidanceCondition(unet: PipelineComponent, guidanceScale: number, count: number): { timestep_cond?: Tensor } {
    const width = unet.config['time_cond_proj_dim'];
    return typeof width === 'number' ? { timestep_cond: guidanceEmbedding(guidanceScale, count, width) } : {};
  }

  async #output(latents: Tensor, { outputType }: StableDiffusionOptions, seeds: readonly number[], run: PipelineRun): Promise<Image[] | Tensor> {
    if (outputType === 'latent') return latents;
    const options = { run: run.context, signal: run.signal };
    if (outputType === 'tensor') return pixelsFromSample((await this.component('vae').decode({ z: this.#unscaled(latents) }, options)).sample);
    return this.#decodeImages(latents, options, (image, index) => {
      Object.assign(image.metadata, pngParameters(this, run.context, index, seeds));
      run.emit({ type: 'image', index, image, seed: seeds[index] });
    });
  }

  /** Each picture is made from its rows as they come, and handed on before the next one. */
  async #decodeImages(latents: Tensor, options: CallOptions, done: (image: Image, index: number) => void = () => undefined): Promise<Image[]> {
    const images: Image[] = [];
    let growing: GrowingImage | undefined;
    await this.component('vae').decodeRows({ z: this.#unscaled(latents) }, ({ index, top, height, rows }) => {
      growing ??= new GrowingImage(index, rows.dims[3] as number, height);
      growing.add(top, rows.data as Float32Array);
      if (!growing.complete) return;
      images.push(growing.toImage());
      growing = undefined;
      done(images.at(-1) as Image, index);
    }, options);
    return images;
  }

  #unscaled(latents: Tensor): Tensor {
    return unscaleLatents(latents, this.component('vae').config);
  }

  async #measurePreview(run: PipelineRun): Promise<LatentPreview> {
    const vae = this.component('vae');
    if (this.#preview?.vae !== vae) {
      const channels = Number(vae.config['latent_channels'] ?? 4);
      this.#preview = { vae, preview: await LatentPreview.measure(vae, channels, latentUnscaler(vae.config), run.signal) };
    }
    return this.#preview.preview;
  }
}

/** Where noise comes from: one generator for the whole batch, or one per image, as diffusers' list of generators. */
function noiseSource({ seed, generator, latents }: GenerateOptions, count: number): { seeds: readonly number[]; generator: Generator } {
  if (generator !== undefined) return { seeds: [], generator: isList(generator) ? new BatchGenerator(generator) : generator };
  if (isList(seed)) return { seeds: seed, generator: new BatchGenerator(seed.map((one) => new TorchGenerator(one))) };
  const single = seed ?? randomSeed();
  const known = seed === undefined && latents !== undefined ? [] : Array.from({ length: count }, () => single);
  return { seeds: known, generator: new TorchGenerator(single) };
}

function isList<T>(value: T | readonly T[] | undefined): value is readonly T[] {
  return Array.isArray(value);
}

function guidedPrediction(output: Tensor, scale: number, rescale: number): Tensor {
  const samples = splitBatch(output);
  const half = samples.length / 2;
  const [without, withPrompt] = [concatBatch(samples.slice(0, half)), concatBatch(samples.slice(half))];
  const guided = guide(without, withPrompt, scale);
  return rescale > 0 ? rescaleGuidance(guided, withPrompt, rescale) : guided;
}

function timestepTensor(timestep: number): Tensor {
  return Number.isInteger(timestep) ? new Tensor('int64', BigInt64Array.of(BigInt(timestep)), [1]) : new Tensor('float32', Float32Array.of(timestep), [1]);
}

function copyOf(latents: Tensor): () => Promise<Tensor> {
  return async () => new Tensor('float32', (latents.data as Float32Array).slice(), latents.dims);
}
