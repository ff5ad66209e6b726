import type { Device } from '../device/Device.js';
import type { RunContext } from '../hooks/calls/RunContext.js';
import type { ModelClass } from '../models/Model.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import type { TokenizerClass } from '../tokenizers/Tokenizer.js';
import type { RunOption } from './RunOption.js';
import { createToken, type Token } from './Token.js';

/** A component's config: the JSON beside its weights. */
export type ComponentConfig = Readonly<Record<string, unknown>>;

/** Contributions by the name that a checkpoint asks for. One class may have several names: `{ MyModel, MyOldModel: MyModel }`. */
export type Named<T> = Readonly<Record<string, T>>;

/** Makes a scheduler from the JSON in `scheduler_config.json`: a class of schedulers, or what stands for one. */
export interface SchedulerFactory {
  fromConfig(config: ComponentConfig): Scheduler;
}

/** Makes a device; `options` are the user's. */
export type DeviceFactory = (options: Readonly<Record<string, unknown>>) => Device | Promise<Device>;

/** Models, by the class that `model_index.json` or `config.json` names: `ctx.provide(MODELS, { MyModel })`. Core's are among them. */
export const MODELS: Token<Named<ModelClass>> = createToken('thimble:models');

/** Schedulers, by the `_class_name` of their config. Core's are among them. */
export const SCHEDULERS: Token<Named<SchedulerFactory>> = createToken('thimble:schedulers');

/** Tokenizers, by their class in `tokenizer_config.json` or `model_index.json`. Core's are among them. */
export const TOKENIZERS: Token<Named<TokenizerClass>> = createToken('thimble:tokenizers');

/** Devices, by the name that the `device` option takes, beside the execution providers. */
export const DEVICES: Token<Named<DeviceFactory>> = createToken('thimble:devices');

/**
 * Options of a run, by name: `ctx.provide(OPTIONS, { strictness: integerField(3) })`. `generate` then takes and checks the option, and hooks find it under
 * `run.options.strictness`. One that names something to be read, such as a picture, has a `read`.
 */
export const OPTIONS: Token<Named<RunOption>> = createToken('thimble:options');

/** A call that a plugin adds to runs, of a model that it opened. */
export interface AddedCall {
  /** The name under which the plugin opened it. */
  readonly component: string;
  /** Its entry point, such as `call`. */
  readonly entry: string;
  /** The component of the pipeline's whose calls each have one of it before them, with as many samples. Absent: it is called once in a run. */
  readonly before?: string;
  /** Names of that component's optional inputs that are fed with what it gives. */
  readonly feeds?: readonly string[];
}

/** Calls that plugins add to runs: what planners count beside the pipeline's own. `ctx.provide(ADDED_CALLS, { component: 'controlnet', entry: 'call', before: 'unet' })` */
export const ADDED_CALLS: Token<AddedCall> = createToken('thimble:added-calls');

/** What plans runs. What it throws is the run's error, as it is. */
export interface RunPlanner {
  /** Whether there is a plan for a run that waits for its turn, so that one without is refused at once. May be asked for several runs at a time. */
  check(run: Pick<RunContext, 'prompt' | 'options' | 'steps' | 'pictures'>): Promise<void>;
  /** Plans a run once it is its turn, before it is held against the memory limit; nothing of it has begun. Meanwhile a plugin may install others (`ctx.use`) and remove them again. */
  plan(run: RunContext): Promise<void>;
}

/** What plans runs by what they ask for: `run.options` say how large one is. */
export const RUN_PLANNERS: Token<RunPlanner> = createToken('thimble:run-planners');
