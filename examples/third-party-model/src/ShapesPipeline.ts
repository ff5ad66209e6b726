import type { GenerateResult, Image, PipelineEvent, Prompt, Tensor } from '@thimble/core';
import {
  denoise,
  type FieldValues,
  fromNoise,
  integerField,
  noiseSource,
  type NoiseSource,
  outputTypeField,
  Pipeline,
  type PipelineRun,
  type PreparedRun,
  runFields,
} from '@thimble/core/model';
import { imagesFromSample, pixelsFromSample } from '@thimble/core/plugin';

/** What `generate` takes: checks, types and a schema come from this table. */
const shapesFields = {
  numInferenceSteps: integerField(10, 1),
  seed: runFields.seed,
  generator: runFields.generator,
  latents: runFields.latents,
  outputType: outputTypeField,
  signal: runFields.signal,
};

type ShapesOptions = FieldValues<typeof shapesFields>;

interface ShapesRun extends PreparedRun {
  readonly prompts: readonly string[];
  readonly options: ShapesOptions;
  readonly noise: NoiseSource;
}

/** Text to a picture of a shape, in the space of pixels: prompt → words → [ denoiser → scheduler ] × steps → picture. */
export class ShapesPipeline extends Pipeline<typeof shapesFields, ShapesRun> {
  static readonly optionFields = shapesFields;

  protected get fields(): typeof shapesFields {
    return shapesFields;
  }

  protected prepare(prompt: Prompt, options: ShapesOptions): ShapesRun {
    this.require('denoiser');
    const prompts = [prompt].flat();
    this.scheduler.setTimesteps(options.numInferenceSteps);
    return {
      steps: this.scheduler.timesteps.length,
      options,
      prompts,
      noise: noiseSource(options, prompts.length),
    };
  }

  protected async *sample(
    { prompts, options, noise: { seeds, generator } }: ShapesRun,
    run: PipelineRun,
  ): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { scheduler } = this;
    const denoiser = this.component('denoiser');

    // 1. The prompt becomes words
    const { input_ids } = this.tokenizer.encode(prompts);

    // 2. Noise
    const size = Number(denoiser.config['sample_size']);
    const dims = [prompts.length, 3, size, size];
    const start = fromNoise({ scheduler, generator, dims, latents: options.latents });

    // 3. The denoiser predicts the picture
    const predict = async (sample: Tensor): Promise<Tensor> =>
      (await denoiser.call({ sample, input_ids }, run.callOptions))['sample'] as Tensor;
    const sample = yield* denoise(run, { scheduler, start, predict, generator });

    // 4. There is nothing to decode: the sample is the picture, from -1 to 1
    return run.result({ images: outputOf(sample, options) as Image[], seeds });
  }

  async decodeLatents(latents: Tensor): Promise<Image[]> {
    return imagesFromSample(latents);
  }
}

function outputOf(sample: Tensor, { outputType }: ShapesOptions): Image[] | Tensor {
  if (outputType === 'latent') return sample;
  return outputType === 'tensor' ? pixelsFromSample(sample) : imagesFromSample(sample);
}
