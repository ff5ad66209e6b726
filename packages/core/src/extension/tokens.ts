import type { Device } from '../device/Device.js';
import type { Field } from '../fields/Field.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';
import { createToken, type Token } from './Token.js';

/** A component's config: the JSON beside its weights. */
export type ComponentConfig = Readonly<Record<string, unknown>>;

/** Contributions by the name that a checkpoint asks for. */
export type Named<T> = Readonly<Record<string, T>>;

/** Makes a scheduler from the JSON in `scheduler_config.json`. */
export interface SchedulerFactory {
  fromConfig(config: ComponentConfig): Scheduler;
}

/** Makes a tokenizer from a checkpoint's tokenizer folder. */
export interface TokenizerFactory {
  fromPretrained(folder: string): Tokenizer | Promise<Tokenizer>;
}

/** Makes a device; `options` are the user's. */
export type DeviceFactory = (options: Readonly<Record<string, unknown>>) => Device | Promise<Device>;

/** A pipeline class. What its constructor takes is the pipelines' affair. */
export type PipelineClass = abstract new (...args: never[]) => object;

/** Schedulers, by the `_class_name` of their config: `ctx.provide(SCHEDULERS, { MyScheduler })`. */
export const SCHEDULERS: Token<Named<SchedulerFactory>> = createToken('thimble:schedulers');

/** Pipeline classes, by the `_class_name` of `model_index.json`. */
export const PIPELINES: Token<Named<PipelineClass>> = createToken('thimble:pipelines');

/** Devices, by the name that the `device` option takes. */
export const DEVICES: Token<Named<DeviceFactory>> = createToken('thimble:devices');

/** Tokenizers, by their class in `model_index.json`. */
export const TOKENIZERS: Token<Named<TokenizerFactory>> = createToken('thimble:tokenizers');

/**
 * Options of a run, by name: `ctx.provide(OPTIONS, { strictness: integerField(3) })`. `generate` then takes and checks the option, and hooks find it under
 * `run.options.strictness`.
 */
export const OPTIONS: Token<Named<Field>> = createToken('thimble:options');
