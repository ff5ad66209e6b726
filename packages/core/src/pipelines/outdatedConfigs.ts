import type { ModelConfig } from '../fields/ConfigReader.js';
import type { PipelineParts } from '../run/PipelineParts.js';

/** What Stable Diffusion was trained with, whatever old configs say. */
const SAMPLE_SIZE = 64;
const SCHEDULER_VALUES = { steps_offset: 1, clip_sample: false } as const;

/**
 * The parts, with the scheduler's values as Stable Diffusion needs them where an old config has others or lacks them; with a warning
 * (source: diffusers pipelines/stable_diffusion/pipeline_stable_diffusion.py, `__init__`).
 */
export function withCorrectedScheduler(parts: PipelineParts): PipelineParts {
  const { schedulers, createScheduler, events } = parts;
  const config = schedulers['scheduler']?.config;
  if (config === undefined) return parts;
  const wrong = Object.entries(SCHEDULER_VALUES).filter(([field, value]) => (config[field] ?? value) !== value);
  if (wrong.length === 0) return parts;
  const message = `The scheduler's config is outdated: Stable Diffusion needs ${wrong.map(([field, value]) => `"${field}": ${value}`).join(', ')}, which is used.`;
  events.emit({ type: 'warning', code: 'WARN_SCHEDULER_OUTDATED', message });
  const scheduler = createScheduler(String(config['_class_name']), config, Object.fromEntries(wrong));
  return { ...parts, schedulers: { ...schedulers, scheduler } };
}

/** Height and width of the latents that a UNet was trained for, `unsaid` where its config does not say; configs from before diffusers 0.9 say 32 and mean 64. */
export function sampleSizeOf(
  { sample_size: size, _diffusers_version: version }: ModelConfig,
  unsaid = SAMPLE_SIZE,
): readonly [height: number, width: number] {
  if (Array.isArray(size)) return [Number(size[0]), Number(size[1])];
  if (typeof size !== 'number') return [unsaid, unsaid];
  const old = typeof version === 'string' && /^0\.[0-8](?:\.|$)/.test(version);
  const side = old ? Math.max(size, SAMPLE_SIZE) : size;
  return [side, side];
}
