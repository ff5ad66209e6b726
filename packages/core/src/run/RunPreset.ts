import type { Fields } from '../fields/Field.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import type { PipelineRun } from './PipelineRun.js';

/** What a distilled checkpoint takes where nothing is said, in place of its pipeline's own defaults. */
export interface RunPreset {
  /** Such as `sd-turbo`. */
  readonly name: string;
  /** Values of options, by their names. */
  readonly options: PresetOptions;
  /** The class of the scheduler that came with the preset, in place of the checkpoint's. */
  readonly scheduler?: string | undefined;
}

/** The options that a preset may have a value for. */
export interface PresetOptions {
  readonly numInferenceSteps: number;
  /** 0 and 1 mean one pass without guidance. */
  readonly guidanceScale: number;
  /** For the preset's scheduler alone; as many as steps. */
  readonly timesteps?: readonly number[] | undefined;
}

/** What says how many steps there are, and where: with one of them the preset's own timesteps are none. */
const STEPS = ['numInferenceSteps', 'sigmas'] as const;

/** The fields of a pipeline with a preset's values as defaults; timesteps only where the scheduler is the one that they are for. */
export function withPreset<F extends Fields>(fields: F, preset: RunPreset | undefined, scheduler?: Scheduler): F {
  if (preset === undefined) return fields;
  const values = Object.entries(preset.options).flatMap(([name, value]) => {
    const { [name]: field } = fields;
    if (field === undefined || (name === 'timesteps' && preset.scheduler !== scheduler?.config._class_name)) return [];
    const impliedBy = name === 'timesteps' ? STEPS.filter((other) => other in fields) : field.impliedBy;
    return [
      [name, { ...field, default: value as unknown, ...(impliedBy === undefined ? {} : { impliedBy }) }] as const,
    ];
  });
  return { ...fields, ...Object.fromEntries(values) };
}

/** Tells a run's reader which of a preset's values it takes: those that nobody `given` says otherwise. Nothing where all are said. */
export function tellPreset(run: PipelineRun, preset: RunPreset | undefined, fields: Fields, given: object): void {
  if (preset === undefined) return;
  const { name, options, scheduler } = preset;
  const said = new Set(Object.entries(given).flatMap(([option, value]) => (value === undefined ? [] : [option])));
  const isTaken = (option: string): boolean =>
    fields[option]?.default === options[option as keyof PresetOptions] &&
    !said.has(option) &&
    fields[option]?.impliedBy?.some((other) => said.has(other)) !== true;
  const taken = Object.fromEntries(Object.entries(options).filter(([option]) => isTaken(option)));
  if (Object.keys(taken).length === 0) return;
  const { numInferenceSteps: steps, guidanceScale: guidance } = taken as Partial<PresetOptions>;
  const parts = [
    ...(steps === undefined ? [] : [`${steps} ${steps === 1 ? 'step' : 'steps'}`]),
    ...(guidance === undefined ? [] : [`guidance ${guidance}`]),
    ...(scheduler === undefined ? [] : [scheduler]),
  ];
  run.emit({ type: 'preset', name, options: taken, message: `${parts.join(', ')}: preset for ${name}` });
}
