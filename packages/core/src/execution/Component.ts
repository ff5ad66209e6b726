import { setImmediate } from 'node:timers/promises';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { Tensor } from 'onnxruntime-common';
import type { Device } from '../device/Device.js';
import { MemoryBudget } from '../device/MemoryBudget.js';
import type { OnnxModel } from '../device/OnnxModel.js';
import { ThimbleError } from '../errors.js';
import type { Graph } from '../graph/Graph.js';
import type { Convolution } from '../graph/passes/winograd/chooseConvolution.js';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { Hooks } from '../hooks/manifest.js';
import type { InputShapes, Model } from '../models/Model.js';
import { nominalShapes } from '../models/nominalShapes.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { WeightStore } from '../weights/WeightStore.js';
import type { LoadEvent, ModelEvent, ProgressEvent } from './ComponentEvent.js';
import type { ComponentSegment } from './ComponentSegment.js';
import { ComponentSegments } from './ComponentSegments.js';
import { entryOf } from './entryOf.js';
import { EntryRunner } from './EntryRunner.js';
import type { FreezeOptions, FrozenEntry, FrozenPrograms } from './FrozenEntry.js';
import { LayeredWeights } from './LayeredWeights.js';
import { type MemoryExcess, MemoryRoom } from './MemoryRoom.js';
import { ModelCalls } from './ModelCalls.js';
import { SegmentCompiler } from './SegmentCompiler.js';
import { SegmentRunner } from './SegmentRunner.js';
import { VaeStrips, vaeEntryPoint } from './strips/VaeStrips.js';
import { type DeliverRows, VaeCalls } from './VaeCalls.js';
import { layoutOf, type WeightLayout } from './WeightLayout.js';

const CALL_OPTIONS: readonly (keyof CallOptions)[] = ['outputs', 'preferredOutputLocation', 'signal', 'run'];

/** What a component is made of. */
export interface ComponentParts {
  /** Its name in the pipeline, such as `unet`. */
  readonly name: string;
  readonly model: Model;
  readonly checkpoint: ComponentCheckpoint;
  readonly device: Device;
  readonly hooks: Hooks;
  /** What its calls may take. */
  readonly budget?: MemoryBudget;
  /** Told when the component is loaded and called, and how far what takes long has come. */
  readonly notify?: (event: LoadEvent | ModelEvent | ProgressEvent) => void;
  /** What it computes in; 'float16' where the provider's kernels can. Inputs and outputs are float32. Default 'float32'. */
  readonly activations?: 'float32' | 'float16';
  /** How 3×3 convolutions are computed on the CPU. Default 'winograd'. */
  readonly convolution?: Convolution;
  /** Programs that were made before, for one entry point at fixed sizes; it runs no other then. */
  readonly frozen?: FrozenEntry;
}

/** Runs an entry point that has a method of its own. */
type EntryMethod = (inputs: NamedTensors, options: CallOptions) => Promise<NamedTensors>;

/**
 * A model bound to a checkpoint and a device. It runs its segments in order, with the hooks in this process; activations stay on
 * the device. With no segment hook tapped, a call is one message to the device.
 */
export class Component implements ComponentHandle {
  readonly name: string;
  readonly model: Model;
  readonly checkpoint: ComponentCheckpoint;
  readonly device: Device;
  /** The hooks of its pipeline. */
  readonly hooks: Hooks;
  readonly #parts: ComponentParts;
  readonly #weights: LayeredWeights;
  readonly #compiler: SegmentCompiler;
  readonly #room: MemoryRoom;
  readonly #strips: VaeStrips;
  readonly #segments: ComponentSegments;
  readonly #entries: EntryRunner;
  readonly #calls: ModelCalls;
  readonly #vae: VaeCalls;
  readonly #methods: ReadonlyMap<string, EntryMethod> = new Map<string, EntryMethod>([
    ['decode', async (inputs, options) => this.decode(inputs as { z: Tensor }, options)],
    ['encode', async (inputs, options) => this.encode(inputs as { x: Tensor }, options)],
  ]);

  /** @throws ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE */
  constructor(parts: ComponentParts) {
    const { name, model, checkpoint, device, hooks, budget = new MemoryBudget(), notify = () => undefined } = parts;
    this.name = name;
    this.model = model;
    this.checkpoint = checkpoint;
    this.device = device;
    this.hooks = hooks;
    this.#parts = parts;
    this.#weights = new LayeredWeights(name, model, checkpoint, hooks);
    const shared = { ...parts, budget, notify, handle: this };
    this.#compiler = new SegmentCompiler({ ...shared, weights: this.#weights });
    this.#room = new MemoryRoom({ ...shared, compiler: this.#compiler });
    this.#strips = new VaeStrips({ ...shared, room: this.#room });
    const compiled = { ...shared, compiler: this.#compiler, room: this.#room };
    this.#segments = new ComponentSegments(compiled);
    const runner = new SegmentRunner({ ...shared, segments: this.#segments });
    this.#entries = new EntryRunner({ ...compiled, segments: this.#segments, runner });
    this.#calls = new ModelCalls(shared);
    this.#vae = new VaeCalls({ ...shared, entries: this.#entries, calls: this.#calls, strips: this.#strips });
  }

  /** Those of all entry points. Listing them traces the model, so it is put off until somebody asks. */
  get segments(): readonly ComponentSegment[] {
    return this.#segments.all;
  }

  /** The contents of `config.json`. */
  get config(): Readonly<Record<string, unknown>> {
    return this.model.config;
  }

  /** Where each parameter lies under the plugins of now, by state-dict key. */
  get weights(): WeightStore {
    return this.#weights.top;
  }

  get loaded(): boolean {
    return this.segments.every((segment) => segment.loaded);
  }

  get isFrozen(): boolean {
    return this.#parts.frozen !== undefined;
  }

  get residentBytes(): number {
    return this.#segments.residentBytes;
  }

  async load(signal?: AbortSignal): Promise<void> {
    await this.#entries.betweenCalls(signal, async () => {
      await this.#segments.refresh();
      await this.#segments.load(this.segments, signal);
    });
  }

  async unload(signal?: AbortSignal): Promise<void> {
    await this.#entries.betweenCalls(signal, async () => this.#segments.unload());
  }

  /**
   * Makes ready for a call to come, while something else computes: builds graphs and makes sessions for inputs of these sizes, whatever they hold. Nothing under a memory limit without room for
   * them, nor where plugins may change the call or decide what is loaded.
   *
   * @throws as {@link Component.call}
   */
  async loadAhead(entryName: string, inputs: NamedTensors, signal?: AbortSignal): Promise<void> {
    await this.#entries.loadAhead(entryName, inputs, signal);
  }

  graph(entry: string, inputs: InputShapes): Graph {
    return this.#compiler.bind(this.model.graph(entry, inputs));
  }

  lower(graph: Graph): OnnxModel {
    return this.#compiler.lowerPart(graph);
  }

  /**
   * How a weight is laid out under the plugins of now: `layout('conv_out.weight')` → `{ shape: [4, 320, 3, 3], strides: [2880, 9, 3, 1], … }`.
   *
   * @throws ERR_ARGUMENT_INVALID for a key that the model does not have
   */
  layout(weight: string): WeightLayout {
    const parameter = this.model.parameters.find(({ key }) => key === weight);
    if (parameter === undefined)
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'weight',
        value: weight,
        expected: `the key of a weight of ${this.name}, such as ${this.model.parameters[0]?.key}`,
      });
    const memoryFormat = this.#compiler.graphWith(weight)?.memoryFormat ?? 'contiguous';
    return layoutOf(parameter.shape, memoryFormat, this.device.provider);
  }

  /**
   * What the segments would run for a call with these inputs, with their sizes frozen: what a trace is made of. Under a memory limit a large batch runs in
   * parts, and the sizes are those of a part.
   *
   * @throws `signal.reason`; ERR_INPUT_INVALID, ERR_ENTRY_UNKNOWN; ERR_ARGUMENT_INVALID for inputs that are computed piece by piece, as a video's frames: each piece has sizes of its own
   */
  async freeze(
    entryName: string,
    inputs: Readonly<Record<string, Tensor>>,
    options: FreezeOptions = {},
  ): Promise<FrozenPrograms> {
    return this.#entries.freeze(entryName, { ...inputs }, options);
  }

  /** This component, running `frozen` and nothing else. It has sessions of its own. */
  frozen(frozen: FrozenEntry): Component {
    return new Component({ ...this.#parts, frozen });
  }

  /**
   * What a call would take, where the memory limit has no room for it: with one sample, since large batches run in parts. `sizes` are those of names in the dims of
   * the entry point's inputs, such as `{ height: 64, width: 64 }`, for others than the nominal ones. Pictures may be decoded and encoded in strips.
   *
   * @returns `undefined` where it fits
   * @throws ERR_ENTRY_UNKNOWN; ERR_DISK_FULL where strips need a temporary file
   */
  async excess(entryName: string, sizes: Readonly<Record<string, number>>): Promise<MemoryExcess | undefined> {
    const shapes = nominalShapes(entryOf(this.name, this.model, entryName), sizes);
    await setImmediate();
    const ofVae = vaeEntryPoint(entryName);
    return ofVae === undefined
      ? this.#room.excess(entryName, shapes)
      : this.#strips.excess(ofVae, (shapes[ofVae.input] as InputShapes[string]).dims);
  }

  /** Runs the model. @throws ERR_INPUT_INVALID, ERR_ENTRY_UNKNOWN, `signal.reason`, and what the device and hooks throw */
  async call(inputs: Readonly<Record<string, Tensor>>, options: CallOptions = {}): Promise<NamedTensors> {
    return this.invoke('call', inputs, options);
  }

  /** `vae.decode({ z })` → `{ sample }`, through the decode hooks. */
  async decode(inputs: { readonly z: Tensor }, options: CallOptions = {}): Promise<{ sample: Tensor }> {
    checkOptionNames(options, CALL_OPTIONS, `${this.name}.decode`);
    return this.#vae.decode({ ...inputs }, options);
  }

  /**
   * As {@link Component.decode}, but hands the sample on in parts as they are done; with plugins that slice or tile, the whole of it never
   * exists. Where an `afterDecode` tap wants it whole, the parts come at the end.
   *
   * @throws also what `deliver` throws
   */
  async decodeRows(inputs: { readonly z: Tensor }, deliver: DeliverRows, options: CallOptions = {}): Promise<void> {
    checkOptionNames(options, CALL_OPTIONS, `${this.name}.decodeRows`);
    await this.#vae.decodeRows({ ...inputs }, deliver, options);
  }

  /** `vae.encode({ x })` → `{ moments }`, through the encode hooks; of a VAE without a distribution, such as AutoencoderTiny, they are the latents themselves. */
  async encode(inputs: { readonly x: Tensor }, options: CallOptions = {}): Promise<{ moments: Tensor }> {
    checkOptionNames(options, CALL_OPTIONS, `${this.name}.encode`);
    return this.#vae.encode({ ...inputs }, options);
  }

  /** Runs an entry point by name; `decode` and `encode` with their hooks. @throws as {@link Component.call} */
  async invoke(
    entry: string,
    inputs: Readonly<Record<string, Tensor>>,
    options: CallOptions = {},
  ): Promise<NamedTensors> {
    checkOptionNames(options, CALL_OPTIONS, `${this.name}.${entry}`);
    const run = this.#methods.get(entry) ?? ((given: NamedTensors) => this.#run(entry, given, options));
    return run({ ...inputs }, options);
  }

  async #run(entry: string, inputs: NamedTensors, options: CallOptions): Promise<NamedTensors> {
    return this.#calls.run(entry, inputs, options, (given) => this.#entries.run(entry, given, options));
  }
}
