import 'reflect-metadata';
import { container, inject, injectable, type DependencyContainer, type InjectionToken } from 'tsyringe';
import { createDevice } from '../device/createDevice.js';
import type { Device } from '../device/Device.js';
import { MemoryBudget } from '../device/MemoryBudget.js';
import { ThimbleError } from '../errors.js';
import type { Hooks } from '../hooks/manifest.js';
import { createHooks } from '../hooks/manifest.js';
import type { Model } from '../models/Model.js';
import { modelRegistry } from '../models/modelRegistry.js';
import { PluginHost } from '../extension/PluginHost.js';
import type { OpenModel } from '../extension/PluginPipeline.js';
import { ServiceRegistry } from '../extension/ServiceRegistry.js';
import { DEVICES, SCHEDULERS, TOKENIZERS } from '../extension/tokens.js';
import { createScheduler } from '../schedulers/createScheduler.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import { createTokenizer } from '../tokenizers/createTokenizer.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';
import { VERSION } from '../version.js';
import {
  type CheckpointWarning,
  type ComponentCheckpoint,
  openComponentCheckpoint,
} from '../weights/ComponentCheckpoint.js';
import type { JsonObject } from '../disk/readJsonFile.js';
import { Component } from '../execution/Component.js';
import type { PipelineComponent } from '../execution/PipelineComponent.js';
import { componentRecord } from '../execution/componentRecord.js';
import { variantOf } from '../weights/PipelineDtype.js';
import { activationsOf, storedOtherwise } from './dtype.js';
import { openModel, type WeightChoice } from './openModel.js';
import { EventSink } from '../run/EventSink.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { measureMemory } from '../run/MemoryMonitor.js';
import type { WarningEvent } from '../run/PipelineEvent.js';
import { TurnQueue } from '../execution/TurnQueue.js';

/** Tokens of a pipeline's own container. */
const OPTIONS: InjectionToken<FromPretrainedOptions> = Symbol('options');
const HOOKS: InjectionToken<Hooks> = Symbol('hooks');
const SERVICES: InjectionToken<ServiceRegistry> = Symbol('services');
const EVENTS: InjectionToken<EventSink> = Symbol('events');
const TURNS: InjectionToken<TurnQueue> = Symbol('turns');
const COMPONENTS: InjectionToken<Record<string, PipelineComponent>> = Symbol('components');
const BUDGET: InjectionToken<MemoryBudget> = Symbol('budget');
const LAZY_DEVICE: InjectionToken<DeviceSlot> = Symbol('device');

/** The device is made after the plugins are installed, because one of them may provide it. */
interface DeviceSlot {
  device: Device | undefined;
}

/** Makes the parts of one pipeline out of what its container holds. */
@injectable()
export class PipelineFactory {
  readonly #options: FromPretrainedOptions;
  readonly #slot: DeviceSlot;
  readonly budget: MemoryBudget;
  readonly hooks: Hooks;
  readonly services: ServiceRegistry;
  readonly events: EventSink;
  readonly turns: TurnQueue;
  readonly components: Record<string, PipelineComponent>;
  readonly host: PluginHost;

  constructor(
    @inject(OPTIONS) options: FromPretrainedOptions,
    @inject(HOOKS) hooks: Hooks,
    @inject(SERVICES) services: ServiceRegistry,
    @inject(EVENTS) events: EventSink,
    @inject(TURNS) turns: TurnQueue,
    @inject(COMPONENTS) components: Record<string, PipelineComponent>,
    @inject(BUDGET) budget: MemoryBudget,
    @inject(LAZY_DEVICE) slot: DeviceSlot,
    @inject(PluginHost) host: PluginHost,
  ) {
    this.#options = options;
    this.#slot = slot;
    this.budget = budget;
    this.hooks = hooks;
    this.services = services;
    this.events = events;
    this.turns = turns;
    this.components = components;
    this.host = host;
  }

  /** The pipeline's device; made at the first call. */
  async device(): Promise<Device> {
    this.#slot.device ??= await this.#createDevice();
    return this.#slot.device;
  }

  /** @throws ERR_COMPONENT_UNSUPPORTED, and what the checkpoint and its config give rise to */
  async openComponent(
    name: string,
    folder: string,
    className: string,
    choice: WeightChoice = this.#options,
  ): Promise<Component> {
    const factory = modelRegistry.get(className);
    if (factory === undefined)
      throw new ThimbleError('ERR_COMPONENT_UNSUPPORTED', {
        component: name,
        className,
        supported: [...modelRegistry.keys()],
      });
    const { variant, dtype } = choice;
    const onWarning = (event: CheckpointWarning): void => {
      // Who asks for a type alone is told what it is stored in, not about file names.
      if (variant !== undefined || dtype === undefined) this.warn(event);
    };
    const checkpoint = await openComponentCheckpoint(folder, { variant: variantOf(choice), onWarning });
    const warning = storedOtherwise(name, checkpoint, dtype);
    if (warning !== undefined) this.warn(warning);
    return this.bindComponent(name, factory(checkpoint.config, className), checkpoint);
  }

  /** Binds a model and its checkpoint to this pipeline's device and hooks. */
  async bindComponent(name: string, model: Model, checkpoint: ComponentCheckpoint): Promise<Component> {
    const device = await this.device();
    const activations = activationsOf(this.#options.dtype, device, checkpoint.config);
    return new Component({
      name,
      model,
      checkpoint,
      device,
      activations,
      hooks: this.hooks,
      budget: this.budget,
      notify: (event) => this.events.emit(event),
    });
  }

  /** Opens a model for a plugin. */
  readonly openModel: OpenModel = async (name, from, options) =>
    openModel(name, from, options, {
      components: this.components,
      options: this.#options,
      open: async (...given) => this.openComponent(...given),
      bind: async (as, { model, checkpoint }) => this.bindComponent(as, model, checkpoint),
    });

  /** Tells whoever follows the opening, or else the first run. */
  warn(event: WarningEvent): void {
    if (this.#options.onProgress === undefined) this.events.emit(event);
    else this.#options.onProgress(event);
  }

  /** @throws ERR_SCHEDULER_UNKNOWN, ERR_CONFIG_INVALID */
  createScheduler(className: string, config: JsonObject): Scheduler {
    const provided = this.services.find(SCHEDULERS, className);
    return provided === undefined ? createScheduler(className, config) : provided.fromConfig(config);
  }

  async createTokenizer(folder: string, className: string): Promise<Tokenizer> {
    const provided = this.services.find(TOKENIZERS, className);
    return provided === undefined ? createTokenizer(folder, className) : provided.fromPretrained(folder);
  }

  async #createDevice(): Promise<Device> {
    const { device: name = 'cpu', deviceOptions: given = {} } = this.#options;
    const deviceOptions = { allocator: this.budget.allocator, ...given };
    const provided = this.services.find(DEVICES, name);
    if (provided !== undefined) return provided(deviceOptions);
    return createDevice({ ...deviceOptions, provider: name as 'cpu' });
  }
}

/** A container of its own for one pipeline; nothing is registered globally. */
export function createPipelineFactory(options: FromPretrainedOptions): PipelineFactory {
  const own: DependencyContainer = container.createChildContainer();
  const slot: DeviceSlot = { device: undefined };
  own.register(OPTIONS, { useValue: options });
  own.register(HOOKS, { useValue: createHooks() });
  own.register(SERVICES, { useValue: new ServiceRegistry() });
  own.register(EVENTS, { useValue: new EventSink() });
  own.register(TURNS, { useValue: new TurnQueue() });
  own.register(COMPONENTS, { useValue: componentRecord() });
  own.register(BUDGET, { useValue: MemoryBudget.of(options.memoryLimit) });
  own.register(LAZY_DEVICE, { useValue: slot });
  const host = createHost(own, slot, async (...given) => factory.openModel(...given));
  own.register(PluginHost, { useValue: host });
  const factory = own.resolve(PipelineFactory);
  return factory;
}

function createHost(own: DependencyContainer, slot: DeviceSlot, openModel: OpenModel): PluginHost {
  const turns = own.resolve(TURNS);
  const events = own.resolve(EVENTS);
  return new PluginHost({
    hooks: own.resolve(HOOKS),
    services: own.resolve(SERVICES),
    version: VERSION,
    busy: () => turns.busy,
    openModel,
    pipeline: {
      components: own.resolve(COMPONENTS),
      memory: async () => measureMemory(slot.device, own.resolve(COMPONENTS)),
      memoryLimit: own.resolve(BUDGET).limit,
      trim: async () => slot.device?.trim(),
      warn: (code, message) => events.emit({ type: 'warning', code, message }),
      progress: (task, done, total) => events.emit({ type: 'progress', task, done, total }),
    },
  });
}
