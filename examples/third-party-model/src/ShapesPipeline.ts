import type { GenerateOptions, GenerateResult, Image, PipelineEvent, Prompt, Tensor } from '@thimble/core';
import { noiseSource, Pipeline, type PipelineRun, startLatents } from '@thimble/core/model';
import { imagesFromSample, pixelsFromSample, type RunContext, type StepContext } from '@thimble/core/plugin';

/** Text to a picture of a shape, in the space of pixels: prompt → words → [ denoiser → scheduler ] × steps → picture. */
export class ShapesPipeline extends Pipeline {
  protected readonly optionNames = ['numInferenceSteps', 'seed', 'generator', 'latents', 'outputType', 'signal'];

  protected prepare(prompt: Prompt, options: GenerateOptions): Pick<RunContext, 'steps' | 'options'> {
    this.component('denoiser');
    const { numInferenceSteps = 10 } = options;
    this.scheduler.setTimesteps(numInferenceSteps);
    return { steps: this.scheduler.timesteps.length, options: { ...options, numInferenceSteps } };
  }

  protected async *sample(
    prompt: Prompt,
    options: GenerateOptions,
    run: PipelineRun,
  ): AsyncGenerator<PipelineEvent, GenerateResult> {
    const denoiser = this.component('denoiser');
    const { scheduler } = this;

    // 1. The prompt becomes words
    const { input_ids } = this.tokenizer.encode(prompt);
    const encodePrompt = performance.now() - run.started;

    // 2. Noise
    const count = input_ids.dims[0] as number;
    const size = Number(denoiser.config['sample_size']);
    const { seeds, generator } = noiseSource(options, count);
    let sample = startLatents(options, [count, 3, size, size], generator, scheduler);

    // 3. Denoising
    const steps: number[] = [];
    for (const [index, timestep] of scheduler.timesteps.entries()) {
      const started = performance.now();
      const step: StepContext = { index, timestep, latents: sample, run: run.context, signal: run.signal };
      await this.hooks.beforeStep.call(step);
      const output = yield* run.during(
        denoiser.call({ sample: step.latents, input_ids }, { run: run.context, signal: run.signal }),
      );
      step.latents = scheduler.step(output['sample'] as Tensor, timestep, step.latents).prevSample;
      await this.hooks.afterStep.call(step);
      sample = step.latents;
      steps.push(performance.now() - started);
      const latents = sample;
      yield {
        type: 'step',
        index,
        steps: scheduler.timesteps.length,
        timestep,
        milliseconds: steps.at(-1) as number,
        latents: async () => latents,
      };
      run.signal?.throwIfAborted();
    }

    // 4. There is nothing to decode: the sample is the picture, from -1 to 1
    return {
      images: outputOf(sample, options) as Image[],
      seeds,
      timings: { total: performance.now() - run.started, encodePrompt, steps, decode: 0 },
      memory: run.memory.report(),
    };
  }

  async decodeLatents(latents: Tensor): Promise<Image[]> {
    return imagesFromSample(latents);
  }
}

function outputOf(sample: Tensor, { outputType = 'image' }: GenerateOptions): Image[] | Tensor {
  if (outputType === 'latent') return sample;
  return outputType === 'tensor' ? pixelsFromSample(sample) : imagesFromSample(sample);
}
