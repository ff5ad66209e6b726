import type { JobImage, JobState } from '../jobs/Job.js';

/** What AUTOMATIC1111 tells of a run beside its pictures. */
export function infoOf({ createdAt, request }: JobState, images: readonly JobImage[], interrupted: boolean): object {
  const { prompt, options, model, scheduler } = request;
  const { numImagesPerPrompt: count = 1, negativePrompt = '', seed } = options;
  const seeds = Array.isArray(seed) ? (seed as readonly number[]) : [];
  const each = <T>(value: T): T[] => Array.from({ length: Number(count) }, () => value);
  return {
    prompt,
    all_prompts: each(prompt),
    negative_prompt: negativePrompt,
    all_negative_prompts: each(negativePrompt),
    seed: seeds[0] ?? -1,
    all_seeds: seeds,
    subseed: -1,
    all_subseeds: each(-1),
    subseed_strength: 0,
    width: images[0]?.width ?? options['width'] ?? null,
    height: images[0]?.height ?? options['height'] ?? null,
    sampler_name: scheduler ?? null,
    cfg_scale: options['guidanceScale'] ?? null,
    steps: options['numInferenceSteps'] ?? null,
    batch_size: count,
    denoising_strength: options['strength'] ?? null,
    sd_model_name: model,
    sd_model_hash: null,
    clip_skip: Number(options['clipSkip'] ?? 0) + 1,
    index_of_first_image: 0,
    infotexts: images.map(({ parameters }) => parameters ?? ''),
    job_timestamp: timestampOf(createdAt),
    interrupted,
  };
}

/** As AUTOMATIC1111 writes it: 20261129110712. */
export function timestampOf(time: number): string {
  return new Date(time).toISOString().replaceAll(/\D/g, '').slice(0, 14);
}
