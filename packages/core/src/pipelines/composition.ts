import { createDevice } from '../device/createDevice.js';
import type { Device } from '../device/Device.js';
import { DeviceOpening } from '../device/DeviceOpening.js';
import type { ExecutionProvider } from '../device/ExecutionProvider.js';
import { ProcessDevice } from '../device/ProcessDevice.js';
import { MemoryBudget } from '../device/MemoryBudget.js';
import type { Component } from '../execution/Component.js';
import { TurnQueue } from '../execution/TurnQueue.js';
import { PluginHost } from '../extension/PluginHost.js';
import { plainCalls, type RunCalls } from '../extension/RunCalls.js';
import type { OpenedModel, OpenModel } from '../extension/PluginPipeline.js';
import { ServiceRegistry } from '../extension/ServiceRegistry.js';
import { DEVICES, MODELS, SCHEDULERS, TOKENIZERS } from '../extension/tokens.js';
import { createHooks, type Hooks } from '../hooks/manifest.js';
import { modelRegistry } from '../models/modelRegistry.js';
import { EventSink } from '../run/EventSink.js';
import { measureMemory } from '../run/MemoryMonitor.js';
import { type ComputeSettings, computeFields } from '../run/computeFields.js';
import { limitFields, type RunLimits } from '../run/runLimits.js';
import type { Fields, FieldValues, OptionsOf } from '../fields/Field.js';
import { readOptions } from '../fields/readOptions.js';
import type { WarningEvent } from '../run/PipelineEvent.js';
import { PIPELINES, type PipelineConstructor } from '../run/PipelineConstructor.js';
import { schedulerRegistry } from '../schedulers/schedulerRegistry.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';
import { tokenizerRegistry } from '../tokenizers/tokenizerRegistry.js';
import { VERSION } from '../version.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';

/** What a pipeline is put together of while its checkpoint is opened. */
export interface Composition {
  readonly options: FromPretrainedOptions;
  /** What core and plugins provide, by token: classes of models, schedulers, tokenizers, pipelines and devices. */
  readonly services: ServiceRegistry;
  readonly hooks: Hooks;
  readonly events: EventSink;
  readonly turns: TurnQueue;
  readonly budget: MemoryBudget;
  readonly limits: RunLimits;
  readonly compute: ComputeSettings;
  readonly components: Record<string, Component>;
  /** Filled when the checkpoint is opened. */
  readonly tokenizers: Record<string, Tokenizer>;
  /** Names of the components that plugins opened. */
  readonly brought: Set<string>;
  /** Names of the parts that come from the checkpoint, or in place of its own, once they are known: no plugin's model may have them. */
  readonly ownNames: Set<string>;
  readonly host: PluginHost;
  /** The pipeline's device; made at the first call, after the plugins are installed, because one of them may provide it. */
  readonly device: () => Promise<Device>;
  /** Starts the process of the device, where it has one, ahead of the first call. Of a plugin's device nothing is asked before it is needed. */
  readonly startDevice: () => Promise<void>;
  /** Tells whoever asked for the checkpoint, or else the first run. */
  readonly warn: (event: WarningEvent) => void;
  /** Called when the components of the checkpoint are there. */
  readonly opened: (pipeline: { readonly calls: RunCalls }) => void;
  /** Removes the plugins and ends the device, if there is one. */
  readonly dispose: () => Promise<void>;
}

/** Opens a model for a plugin of a pipeline. */
export type ModelOpener = (composition: Composition, ...given: Parameters<OpenModel>) => Promise<OpenedModel>;

/**
 * The composition root of one pipeline; nothing is registered globally. `pipelines` are the classes of pipelines that core opens here, `openModel` opens what
 * plugins bring.
 */
export function compose(
  options: FromPretrainedOptions,
  pipelines: Readonly<Record<string, PipelineConstructor>>,
  openModel: ModelOpener,
): Composition {
  const services = createServices(pipelines);
  const hooks = createHooks();
  const events = new EventSink();
  const turns = new TurnQueue();
  const budget = MemoryBudget.of(options.memoryLimit);
  const limits = readGiven(options, limitFields);
  const compute = readGiven(options, computeFields);
  const components: Record<string, Component> = {};
  const tokenizers: Record<string, Tokenizer> = {};
  const brought = new Set<string>();
  let ownComponents: readonly string[] | undefined;
  let opened: { readonly calls: RunCalls } | undefined;
  const opening = new DeviceOpening(async () => openDevice(options, services, budget));
  const host: PluginHost = new PluginHost({
    hooks,
    services,
    version: VERSION,
    busy: () => turns.busy,
    openModel: async (...given) => openModel(composition, ...given),
    ownComponents: () => ownComponents,
    pipeline: {
      components,
      tokenizers,
      memory: async () => measureMemory(opening.device, components),
      get plugins(): ReturnType<PluginHost['list']> {
        return host.list();
      },
      get calls(): RunCalls {
        return opened?.calls ?? plainCalls;
      },
      memoryLimit: budget.limit,
      convolution: compute.convolution,
      trim: async () => opening.device?.trim(),
      warn: (code, message) => events.emit({ type: 'warning', code, message }),
      progress: (task, done, total) => events.emit({ type: 'progress', task, done, total }),
    },
  });
  const composition: Composition = {
    options,
    services,
    hooks,
    events,
    turns,
    budget,
    limits,
    compute,
    components,
    tokenizers,
    brought,
    ownNames: new Set(),
    host,
    device: async () => opening.open(),
    startDevice: async () => {
      if (services.find(DEVICES, options.device ?? 'cpu') !== undefined) return;
      const device = await opening.open();
      if (device instanceof ProcessDevice) device.start();
    },
    warn: options.onProgress ?? ((event) => events.emit(event)),
    opened: (pipeline) => {
      opened = pipeline;
      ownComponents = Object.keys(components).filter((name) => !brought.has(name));
    },
    dispose: async () => {
      try {
        await host.dispose();
      } finally {
        await opening[Symbol.asyncDispose]();
      }
    },
  };
  return composition;
}

/** Those of the options that have these fields. @throws ERR_ARGUMENT_INVALID for a value that one cannot have */
function readGiven<F extends Fields>(options: FromPretrainedOptions, fields: F): FieldValues<F> {
  const given = Object.entries(options).filter(([name]) => name in fields);
  return readOptions(Object.fromEntries(given) as OptionsOf<F>, fields);
}

/** Core provides its classes as plugins do theirs. What is provided later, by a plugin, goes first. */
function createServices(pipelines: Readonly<Record<string, PipelineConstructor>>): ServiceRegistry {
  const services = new ServiceRegistry();
  services.provide(MODELS, modelRegistry);
  services.provide(SCHEDULERS, schedulerRegistry);
  services.provide(TOKENIZERS, tokenizerRegistry);
  services.provide(PIPELINES, pipelines);
  return services;
}

/** @throws ERR_ARGUMENT_INVALID for a name that is neither a provider's nor a plugin's */
async function openDevice(
  { device: name = 'cpu', deviceOptions: given = {} }: FromPretrainedOptions,
  services: ServiceRegistry,
  budget: MemoryBudget,
): Promise<Device> {
  const { allocator = budget.allocator, memoryLimit = budget.limit } = given;
  const deviceOptions = { ...given, allocator, memoryLimit };
  const provided = services.find(DEVICES, name);
  if (provided !== undefined) return provided(deviceOptions);
  return createDevice({ ...deviceOptions, provider: name as ExecutionProvider });
}
