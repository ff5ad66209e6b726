import type { JsonObject } from '../disk/readJsonFile.js';
import type { PresetOptions } from '../run/RunPreset.js';

/** The configs that say what a checkpoint is. */
export interface PresetConfigs {
  /** The class of the pipeline. */
  readonly pipeline: string;
  /** Whether the pipeline's index says that guidance was distilled into the model (`is_distilled`). */
  readonly distilled: boolean;
  /** The denoiser's config. */
  readonly denoiser: JsonObject;
  /** The scheduler's config, its class with it; empty where there is none. */
  readonly scheduler: JsonObject;
}

/** What a distilled model takes where nothing is said. */
export interface Preset {
  readonly name: string;
  /** What it is called: the name of its repository without the owner, or of its file without the extension; in any case. */
  readonly names: readonly string[];
  /** Whether configs can be of no other model. */
  readonly saidBy?: (configs: PresetConfigs) => boolean;
  readonly options: PresetOptions;
  /** Where the denoiser stands in another checkpoint, whose scheduler is for its own: class, and fields in place of that one's. */
  readonly scheduler: { readonly name: string; readonly config: JsonObject };
}

const TRAILING = { timestep_spacing: 'trailing' } as const;

/** SDXL Lightning has a UNet for each number of steps; that of one predicts the picture. */
function lightning(steps: number, names: readonly string[], config: JsonObject = {}): Preset {
  return {
    name: `sdxl-lightning-${steps}step`,
    names,
    options: { numInferenceSteps: steps, guidanceScale: 0 },
    scheduler: { name: 'EulerDiscreteScheduler', config: { ...TRAILING, ...config } },
  };
}

/**
 * The distilled models that are known, with what their authors say to use: the first that fits is taken. Everything else keeps diffusers' defaults (source: the
 * models' cards on the hub, by the names below).
 */
export const presets: readonly Preset[] = [
  {
    name: 'sd-turbo',
    names: ['sd-turbo'],
    options: { numInferenceSteps: 1, guidanceScale: 0 },
    scheduler: { name: 'EulerDiscreteScheduler', config: TRAILING },
  },
  {
    name: 'sdxl-turbo',
    names: ['sdxl-turbo'],
    // SDXL itself is of 128 latents a side, and none but Turbo comes with this scheduler and spacing for 64.
    saidBy: ({ pipeline, denoiser, scheduler }) =>
      pipeline.startsWith('StableDiffusionXL') &&
      denoiser['sample_size'] === 64 &&
      scheduler['_class_name'] === 'EulerAncestralDiscreteScheduler' &&
      scheduler['timestep_spacing'] === 'trailing',
    options: { numInferenceSteps: 1, guidanceScale: 0 },
    scheduler: { name: 'EulerAncestralDiscreteScheduler', config: TRAILING },
  },
  {
    name: 'hyper-sdxl-1step',
    names: ['Hyper-SD', 'Hyper-SDXL-1step-Unet'],
    options: { numInferenceSteps: 1, guidanceScale: 0, timesteps: [800] },
    scheduler: { name: 'LCMScheduler', config: {} },
  },
  lightning(1, ['sdxl_lightning_1step_unet_x0'], { prediction_type: 'sample' }),
  lightning(2, ['sdxl_lightning_2step_unet']),
  lightning(4, ['sdxl_lightning_4step_unet', 'SDXL-Lightning']),
  lightning(8, ['sdxl_lightning_8step_unet']),
  {
    name: 'lcm',
    names: ['LCM_Dreamshaper_v7', 'lcm-sdxl', 'lcm-ssd-1b'],
    // A UNet that takes the guidance scale as a condition is a latent consistency model.
    saidBy: ({ denoiser }) => typeof denoiser['time_cond_proj_dim'] === 'number',
    // Those of diffusers' LatentConsistencyModelPipeline.
    options: { numInferenceSteps: 4, guidanceScale: 8.5 },
    scheduler: { name: 'LCMScheduler', config: {} },
  },
  {
    name: 'sd3.5-large-turbo',
    names: ['stable-diffusion-3.5-large-turbo', 'sd3.5_large_turbo'],
    options: { numInferenceSteps: 4, guidanceScale: 0 },
    scheduler: { name: 'FlowMatchEulerDiscreteScheduler', config: { shift: 3 } },
  },
  {
    name: 'flux1-schnell',
    names: ['FLUX.1-schnell', 'flux1-schnell'],
    // Of this size there are two, and the other one takes the guidance scale as a condition.
    saidBy: ({ pipeline, denoiser, scheduler }) =>
      /^Flux(?:Img2Img|Inpaint)?Pipeline$/.test(pipeline) &&
      denoiser['num_attention_heads'] === 24 &&
      denoiser['guidance_embeds'] !== true &&
      scheduler['use_dynamic_shifting'] === false,
    options: { numInferenceSteps: 4, guidanceScale: 0 },
    scheduler: { name: 'FlowMatchEulerDiscreteScheduler', config: { use_dynamic_shifting: false, shift: 1 } },
  },
  {
    name: 'flux2-klein',
    names: ['FLUX.2-klein-4B', 'FLUX.2-klein-9B', 'flux-2-klein-4b', 'flux-2-klein-9b'],
    // Of these sizes there are two each, and the index of one says so.
    saidBy: ({ pipeline, denoiser, distilled }) =>
      pipeline.startsWith('Flux2Klein') && [24, 32].includes(Number(denoiser['num_attention_heads'])) && distilled,
    options: { numInferenceSteps: 4, guidanceScale: 1 },
    scheduler: { name: 'FlowMatchEulerDiscreteScheduler', config: { use_dynamic_shifting: true, shift: 3 } },
  },
  {
    name: 'z-image-turbo',
    names: ['Z-Image-Turbo', 'z_image_turbo', 'z_image_turbo_bf16'],
    // Of this size there are two, and the one that is not distilled has a shift of 6.
    saidBy: ({ pipeline, denoiser, scheduler }) =>
      pipeline.startsWith('ZImage') && denoiser['dim'] === 3840 && scheduler['shift'] === 3,
    options: { numInferenceSteps: 8, guidanceScale: 0 },
    scheduler: { name: 'FlowMatchEulerDiscreteScheduler', config: { shift: 3 } },
  },
];

/** The names that the option `preset` takes, beside `none`. */
export const presetNames: readonly string[] = presets.map(({ name }) => name);
