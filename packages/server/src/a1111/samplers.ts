import { findScheduler, schedulerRegistry } from '@thimble/core';
import { ServerError } from '../ServerError.js';

/** A sampler under the name that AUTOMATIC1111 has for it. */
export interface Sampler {
  readonly name: string;
  readonly aliases: readonly string[];
}

const known = Object.keys(schedulerRegistry);

/** AUTOMATIC1111's samplers, those of them that there are. */
export const SAMPLERS: readonly Sampler[] = [
  { name: 'DPM++ 2M', aliases: ['k_dpmpp_2m'] },
  { name: 'DPM++ SDE', aliases: ['k_dpmpp_sde'] },
  { name: 'DPM++ 2M SDE', aliases: ['k_dpmpp_2m_sde'] },
  { name: 'DPM++ 2M SDE Heun', aliases: ['k_dpmpp_2m_sde_heun'] },
  { name: 'DPM++ 3M SDE', aliases: ['k_dpmpp_3m_sde'] },
  { name: 'Euler a', aliases: ['k_euler_a', 'k_euler_ancestral'] },
  { name: 'Euler', aliases: ['k_euler'] },
  { name: 'LMS', aliases: ['k_lms'] },
  { name: 'Heun', aliases: ['k_heun'] },
  { name: 'DPM2', aliases: ['k_dpm_2'] },
  { name: 'DPM2 a', aliases: ['k_dpm_2_a'] },
  { name: 'DDIM', aliases: ['ddim'] },
  { name: 'PLMS', aliases: ['plms'] },
  { name: 'UniPC', aliases: ['unipc'] },
  { name: 'LCM', aliases: ['k_lcm'] },
].filter(({ name }) => findScheduler(name, known) !== undefined);

/** How noise levels are spaced: AUTOMATIC1111's names, and what `findScheduler` has them as last word. */
export const SCHEDULES = [
  { name: 'automatic', label: 'Automatic', word: '' },
  { name: 'karras', label: 'Karras', word: 'karras' },
  { name: 'exponential', label: 'Exponential', word: 'exponential' },
  { name: 'sgm_uniform', label: 'SGM Uniform', word: 'sgm_uniform' },
  { name: 'beta', label: 'Beta', word: 'beta' },
] as const;

/** The scheduler that a sampler and a spacing are, as `findScheduler` takes it; undefined for the model's own. @throws ERR_REQUEST_INVALID naming what there is */
export function schedulerOf(sampler: string | undefined, schedule: string | undefined): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  if (sampler === undefined || sampler === '' || plain(sampler) === 'automatic') return undefined;
  const named = SAMPLERS.find(({ name, aliases }) =>
    [name, ...aliases].some((one) => one.toLowerCase() === sampler.toLowerCase()),
  );
  const spacing = SCHEDULES.find(({ name }) => plain(name) === plain(schedule ?? 'automatic'));
  if (spacing === undefined)
    throw refused(
      'scheduler',
      SCHEDULES.map(({ label }) => label),
    );
  const scheduler = `${named?.name ?? sampler} ${spacing.word}`.trim();
  if (findScheduler(scheduler, known) === undefined)
    throw refused(
      'sampler_name',
      SAMPLERS.map(({ name }) => name),
    );
  return scheduler;
}

function refused(param: string, names: readonly string[]): Error {
  return new ServerError('ERR_REQUEST_INVALID', { param, problem: `expected one of ${names.join(', ')}` });
}
