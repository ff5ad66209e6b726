import { AsyncLocalStorage } from 'node:async_hooks';
import type { Tensor } from 'onnxruntime-common';
import type { Device } from '../device/Device.js';
import { ThimbleError } from '../errors.js';
import type { OnnxModel } from '../device/OnnxModel.js';
import type { Graph } from '../graph/Graph.js';
import type { Outline } from '../graph/Outline.js';
import { MemoryBudget } from '../device/MemoryBudget.js';
import { bindWeights } from '../graph/passes/bindWeights.js';
import { freezeShapes } from '../graph/passes/freezeShapes.js';
import type { ComponentHandle } from '../hooks/ComponentHandle.js';
import type { DecodeCall } from '../hooks/DecodeCall.js';
import type { EncodeCall } from '../hooks/EncodeCall.js';
import type { GraphContext } from '../hooks/GraphContext.js';
import type { Hooks } from '../hooks/manifest.js';
import type { ModelCall, NamedTensors } from '../hooks/ModelCall.js';
import type { RunContext } from '../hooks/RunContext.js';
import type { SegmentCall } from '../hooks/SegmentCall.js';
import type { SegmentPreparation } from '../hooks/SegmentPreparation.js';
import { DecodeWrapping } from '../hooks/DecodeWrapping.js';
import { rowsOfSample, type SampleRows, sampleOfRows } from '../hooks/SampleRows.js';
import { type Next, Wrapping } from '../hooks/Wrapping.js';
import type { InputShapes, Model, ModelEntry } from '../models/Model.js';
import { ModelWeights } from '../models/ModelWeights.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { TensorInfo } from '../weights/TensorInfo.js';
import { Activations } from './Activations.js';
import { checkInputs } from './checkInputs.js';
import { ComponentSegment, type SegmentProgram } from './ComponentSegment.js';
import { halfInputsOf, type PlannedSegment, planEntry } from './EntryPlan.js';
import { checkFrozen, type FrozenEntry, type FrozenPrograms } from './FrozenEntry.js';
import { lowerGraph, type LoweringOptions } from './lowerGraph.js';
import { nominalShapes } from './nominalShapes.js';
import type { LoadEvent, ModelEvent } from './PipelineEvent.js';
import { toFloat16, toFloat32 } from './floatTensors.js';
import { joinOutputs, splitInputs } from './splitInputs.js';
import { programOf } from './programOf.js';
import { TurnQueue } from './TurnQueue.js';
import { layoutOf, type WeightLayout } from './WeightLayout.js';

/** Options of a component's call. */
export interface CallOptions {
  /** Outputs to compute; the entry point's own choice by default. */
  readonly outputs?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** The run this call is part of. */
  readonly run?: RunContext | undefined;
}

type EntryName = ModelCall['entry'];

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
  /** Told when the component is loaded and called. */
  readonly notify?: (event: LoadEvent | ModelEvent) => void;
  /** What it computes in; 'float16' where the provider's kernels can. Inputs and outputs are float32. Default 'float32'. */
  readonly activations?: 'float32' | 'float16';
  /** Programs that were made before, for one entry point at fixed sizes; it runs no other then. */
  readonly frozen?: FrozenEntry;
}

interface CompiledEntry {
  readonly outline: Outline;
  readonly programs: ReadonlyMap<string, SegmentProgram>;
}

/** How many shapes of calls are remembered, so that alternating between a few costs nothing. */
const REMEMBERED_SHAPES = 6;

/**
 * A model bound to a checkpoint and a device. It runs its segments in order, with the hooks in this process; activations stay on
 * the device. With no segment hook tapped, a call is one message to the device.
 */
export class Component implements ComponentHandle {
  readonly name: string;
  readonly model: Model;
  readonly checkpoint: ComponentCheckpoint;
  readonly device: Device;
  readonly #parts: ComponentParts;
  readonly #hooks: Hooks;
  readonly #budget: MemoryBudget;
  readonly #notify: (event: LoadEvent | ModelEvent) => void;
  readonly #weights: ModelWeights;
  readonly #known = new Map<string, ComponentSegment>();
  readonly #compiled = new Map<string, CompiledEntry>();
  readonly #turns = new TurnQueue();
  readonly #inside = new AsyncLocalStorage<true>();
  #segments: readonly ComponentSegment[] | undefined;
  #revision: number;

  /** @throws ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE */
  constructor(parts: ComponentParts) {
    const { name, model, checkpoint, device, hooks, budget = new MemoryBudget(), notify = () => undefined } = parts;
    this.name = name;
    this.model = model;
    this.checkpoint = checkpoint;
    this.device = device;
    this.#parts = parts;
    this.#hooks = hooks;
    this.#budget = budget;
    this.#notify = notify;
    this.#weights = ModelWeights.match(name, model, checkpoint);
    this.#revision = revisionOf(hooks);
  }

  /** Those of all entry points. Listing them traces the model, so it is put off until somebody asks. */
  get segments(): readonly ComponentSegment[] {
    this.#segments ??= this.#listSegments();
    return this.#segments;
  }

  /** The contents of `config.json`. */
  get config(): Readonly<Record<string, unknown>> {
    return this.model.config;
  }

  /** Where each parameter lies in the checkpoint, by state-dict key. */
  get weights(): ReadonlyMap<string, TensorInfo> {
    return this.#weights.tensors;
  }

  /** The hooks of its pipeline. */
  get hooks(): Hooks {
    return this.#hooks;
  }

  get loaded(): boolean {
    return this.segments.every((segment) => segment.loaded);
  }

  get residentBytes(): number {
    return [...this.#known.values()].reduce((sum, segment) => sum + (segment.loaded ? segment.bytes : 0), 0);
  }

  async load(signal?: AbortSignal): Promise<void> {
    await this.#refresh();
    await this.#loadSegments(this.segments, signal);
  }

  async unload(): Promise<void> {
    for (const segment of this.#known.values()) await segment.unload();
  }

  graph(entry: string, inputs: InputShapes): Graph {
    return this.#bind(this.model.graph(entry, inputs));
  }

  lower(graph: Graph): OnnxModel {
    const transformed = this.#hooks.transformGraph.call(graph, { ...this.#context(graph), partial: true });
    return programOf(lowerGraph(transformed, this.#lowering())).model;
  }

  /**
   * How a weight is laid out under the plugins of now: `layout('conv_out.weight')` → `{ shape: [4, 320, 3, 3], strides: [2880, 9, 3, 1], … }`.
   *
   * @throws ERR_ARGUMENT_INVALID for a key that the model does not have
   */
  layout(weight: string): WeightLayout {
    const parameter = this.model.parameters.find(({ key }) => key === weight);
    if (parameter === undefined) throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'weight', value: weight, expected: `the key of a weight of ${this.name}, such as ${this.model.parameters[0]?.key}` });
    const memoryFormat = this.#graphWith(weight)?.memoryFormat ?? 'contiguous';
    return layoutOf(parameter.shape, memoryFormat, this.device.provider);
  }

  /**
   * What the segments would run for a call with these inputs, with their sizes frozen: what a trace is made of. Under a memory limit a large batch runs in
   * parts, and the sizes are those of a part.
   *
   * @throws ERR_INPUT_INVALID, ERR_ENTRY_UNKNOWN
   */
  freeze(entryName: string, inputs: Readonly<Record<string, Tensor>>): FrozenPrograms {
    const entry = this.#entry(entryName);
    const [part] = splitInputs({ ...inputs }, entry, this.#budget.maxBatch);
    const shapes = checkInputs(this.name, entryName, entry, part as NamedTensors);
    const programs = new Map<string, SegmentProgram>();
    this.model.outline(entry, shapes, (graph) => programs.set(graph.name, this.#lower(freezeShapes(this.#transform(this.#bind(graph))))));
    return { inputs: shapes, programs };
  }

  /** This component, running `frozen` and nothing else. It has sessions of its own. */
  frozen(frozen: FrozenEntry): Component {
    return new Component({ ...this.#parts, frozen });
  }

  /** Runs the model. @throws ERR_INPUT_INVALID, ERR_ENTRY_UNKNOWN, `signal.reason`, and what the device and hooks throw */
  async call(inputs: Readonly<Record<string, Tensor>>, options: CallOptions = {}): Promise<NamedTensors> {
    return this.invoke('call', inputs, options);
  }

  /** `vae.decode({ z })` → `{ sample }`, through the decode hooks. */
  async decode({ z }: { readonly z: Tensor }, options: CallOptions = {}): Promise<{ sample: Tensor }> {
    const { call, wrapping } = await this.#beginDecode(z, options);
    call.sample ??= await this.#decodeWhole(call.z, wrapping, options);
    await this.#hooks.afterDecode.call(call);
    return { sample: call.sample };
  }

  /**
   * As {@link Component.decode}, but hands the sample on in parts as they are done; with plugins that slice or tile, the whole of it never
   * exists. Where an `afterDecode` tap wants it whole, the parts come at the end.
   *
   * @throws also what `deliver` throws
   */
  async decodeRows({ z }: { readonly z: Tensor }, deliver: (rows: SampleRows) => void | Promise<void>, options: CallOptions = {}): Promise<void> {
    const { call, wrapping } = await this.#beginDecode(z, options);
    if (call.sample === undefined && !this.#hooks.afterDecode.isUsed()) return this.#decodeParts(call.z, wrapping, deliver, options);
    call.sample ??= await this.#decodeWhole(call.z, wrapping, options);
    await this.#hooks.afterDecode.call(call);
    for await (const rows of rowsOfSample(call.sample)) await deliver(rows);
  }

  /** `vae.encode({ x })` → `{ moments }`, through the encode hooks. */
  async encode(inputs: { readonly x: Tensor }, options: CallOptions = {}): Promise<{ moments: Tensor }> {
    const { run, signal } = options;
    checkInputs(this.name, 'encode', this.#entry('encode'), inputs);
    const wrapping = new Wrapping<Tensor, Tensor>();
    const call: EncodeCall = { component: this.name, x: inputs.x, run, signal, wrap: wrapping.wrap };
    await this.#hooks.beforeEncode.call(call);
    call.moments ??= await this.#encodeWhole(call.x, wrapping, options);
    await this.#hooks.afterEncode.call(call);
    return { moments: call.moments };
  }

  /** Runs an entry point by name; `decode` and `encode` have methods of their own, with their hooks. */
  async invoke(entry: string, inputs: Readonly<Record<string, Tensor>>, options: CallOptions = {}): Promise<NamedTensors> {
    if (entry === 'decode') return this.decode(inputs as { z: Tensor }, options);
    if (entry === 'encode') return this.encode(inputs as { x: Tensor }, options);
    return this.#callModel(entry, { ...inputs }, options, (given) => this.#execute(entry, given, options));
  }

  async #beginDecode(z: Tensor, { run, signal }: CallOptions): Promise<{ readonly call: DecodeCall; readonly wrapping: DecodeWrapping }> {
    checkInputs(this.name, 'decode', this.#entry('decode'), { z });
    const wrapping = new DecodeWrapping();
    const call: DecodeCall = { component: this.name, z, run, signal, wrap: wrapping.wrap, wrapRows: wrapping.wrapRows };
    await this.#hooks.beforeDecode.call(call);
    return { call, wrapping };
  }

  #decoding(options: CallOptions): Next<Tensor, Tensor> {
    return async (z) => (await this.#execute('decode', { z }, options))['sample'] as Tensor;
  }

  async #decodeWhole(z: Tensor, wrapping: DecodeWrapping, options: CallOptions): Promise<Tensor> {
    const compute = this.#decoding(options);
    const outputs = await this.#callModel('decode', { z }, options, async ({ z: given }) => {
      const latents = given as Tensor;
      return { sample: wrapping.used ? await sampleOfRows(await wrapping.run(compute, latents), latents.dims[0] as number) : await compute(latents) };
    });
    return outputs['sample'] as Tensor;
  }

  /** What nobody has put code around goes straight to `deliver`; the model call then has no outputs. */
  async #decodeParts(z: Tensor, wrapping: DecodeWrapping, deliver: (rows: SampleRows) => void | Promise<void>, options: CallOptions): Promise<void> {
    const compute = this.#decoding(options);
    const { sample } = await this.#callModel('decode', { z }, options, async ({ z: given }, wrapped) => {
      const parts = await wrapping.run(compute, given as Tensor);
      if (wrapped) return { sample: await sampleOfRows(parts, (given as Tensor).dims[0] as number) };
      for await (const rows of parts) await deliver(rows);
      return {};
    });
    if (sample !== undefined) for await (const rows of rowsOfSample(sample)) await deliver(rows);
  }

  /** The model hooks fire once, `wrapping` computes inside them. */
  async #encodeWhole(x: Tensor, wrapping: Wrapping<Tensor, Tensor>, options: CallOptions): Promise<Tensor> {
    const compute: Next<Tensor, Tensor> = async (part) => (await this.#execute('encode', { x: part }, options))['moments'] as Tensor;
    const { moments } = await this.#callModel('encode', { x }, options, async ({ x: given }) => ({ moments: await wrapping.run(compute, given as Tensor) }));
    return moments as Tensor;
  }

  async #callModel(entry: string, inputs: NamedTensors, options: CallOptions, inner: (inputs: NamedTensors, wrapped: boolean) => Promise<NamedTensors>): Promise<NamedTensors> {
    const { run, signal } = options;
    signal?.throwIfAborted();
    this.#entry(entry);
    const wrapping = new Wrapping<NamedTensors, NamedTensors>();
    const call: ModelCall = { component: this.name, model: this, entry: entry as EntryName, inputs, run, signal, wrap: wrapping.wrap };
    await this.#hooks.beforeModelCall.call(call);
    const started = performance.now();
    call.outputs ??= await wrapping.run(async (given) => inner(given, wrapping.used), call.inputs);
    this.#notify({ type: 'model', component: this.name, entry, milliseconds: performance.now() - started });
    await this.#hooks.afterModelCall.call(call);
    return call.outputs;
  }

  /** Calls that overlap take turns, because sessions belong to the sizes of one call. */
  async #execute(entryName: string, inputs: NamedTensors, options: CallOptions): Promise<NamedTensors> {
    if (this.#inside.getStore() === true) throw new ThimbleError('ERR_PIPELINE_BUSY', { action: `call ${this.name}`, during: `a segment of ${this.name} itself` });
    using turn = await this.#turns.take(options.signal);
    void turn;
    return await this.#inside.run(true, async () => {
      const parts = splitInputs(inputs, this.#entry(entryName), this.#budget.maxBatch);
      const outputs: NamedTensors[] = [];
      for (const part of parts) outputs.push(await this.#executeNow(entryName, part, options));
      return joinOutputs(outputs);
    });
  }

  async #executeNow(entryName: string, inputs: NamedTensors, options: CallOptions): Promise<NamedTensors> {
    const entry = this.#entry(entryName);
    const shapes = checkInputs(this.name, entryName, entry, inputs);
    await this.#refresh();
    const { outline, programs } = await this.#compile(entryName, entry, shapes);
    const wanted = this.#wanted(outline, entry, options.outputs);
    const plan = planEntry(outline, wanted, (name) => this.#known.get(name) as ComponentSegment);
    for (const { segment } of plan) await segment.use(programs.get(segment.name) as SegmentProgram);
    const halves = halfInputsOf(plan, programs);
    const given = Object.fromEntries(Object.keys(shapes).map((name) => [name, halves.has(name) ? toFloat16(inputs[name] as Tensor) : (inputs[name] as Tensor)]));
    const hooked = this.#hooks.beforeSegment.isUsed() || this.#hooks.afterSegment.isUsed();
    const values = hooked ? await this.#runHooked(plan, given, outline, wanted, options) : await this.#runWhole(plan, given, outline, wanted, options);
    return Object.fromEntries(wanted.map((name) => [name, toFloat32(values[outline.outputs.get(name) as string] as Tensor)]));
  }

  /** All segments in one message. */
  async #runWhole(plan: readonly PlannedSegment[], inputs: NamedTensors, outline: Outline, wanted: readonly string[], { signal }: CallOptions): Promise<NamedTensors> {
    await this.#loadSegments(plan.map(({ segment }) => segment), signal);
    const steps = plan.map(({ segment, feeds, results, release }) => ({ session: segment.session, feeds, results, release }));
    const outputs = Object.fromEntries(wanted.map((name) => [outline.outputs.get(name) as string, 'download' as const]));
    return (await this.device.run({ inputs, steps, outputs }, signal)).downloaded;
  }

  /** Segment by segment, with the segment hooks around each. */
  async #runHooked(plan: readonly PlannedSegment[], inputs: NamedTensors, outline: Outline, wanted: readonly string[], options: CallOptions): Promise<NamedTensors> {
    const values = new Activations(this.device, this.#budget.parkingBytes);
    try {
      for (const [name, tensor] of Object.entries(inputs)) values.own({ [name]: await this.device.upload(tensor) }, { [name]: name });
      for (const [i, step] of plan.entries()) await this.#runSegment(step, plan.slice(i + 1), values, options);
      return await values.download(wanted.map((name) => outline.outputs.get(name) as string));
    } finally {
      await values.dispose();
    }
  }

  async #runSegment({ segment, feeds, results, release }: PlannedSegment, rest: readonly PlannedSegment[], values: Activations, { run, signal }: CallOptions): Promise<void> {
    signal?.throwIfAborted();
    await values.need(Object.values(feeds));
    const inputs = Object.fromEntries(Object.entries(feeds).map(([port, value]) => [port, values.get(value)]));
    const call: SegmentCall = { component: this.name, segment: segment.name, index: segment.index, following: rest.map((step) => step.segment), model: this, inputs, run, signal };
    await this.#hooks.beforeSegment.call(call);
    if (call.outputs === undefined) {
      await segment.load();
      const ports = Object.keys(results);
      const { kept } = await this.device.run({
        inputs: call.inputs,
        steps: [{ session: segment.session, feeds: identity(Object.keys(call.inputs)), results: identity(ports), release: [] }],
        outputs: Object.fromEntries(ports.map((port) => [port, 'keep' as const])),
      }, signal);
      values.own(kept, results);
      call.outputs = kept;
    }
    await this.#hooks.afterSegment.call(call);
    values.set(call.outputs, results);
    await values.release(release);
  }

  async #loadSegments(segments: readonly ComponentSegment[], signal: AbortSignal | undefined): Promise<void> {
    const missing = segments.filter((segment) => !segment.loaded);
    if (missing.length === 0) return;
    const started = performance.now();
    for (const segment of missing) {
      signal?.throwIfAborted();
      await segment.load();
    }
    this.#notify({ type: 'load', component: this.name, bytes: missing.reduce((sum, { bytes }) => sum + bytes, 0), milliseconds: performance.now() - started });
  }

  #entry(name: string): ModelEntry {
    const entry = this.model.entries[name];
    if (entry !== undefined) return entry;
    throw new ThimbleError('ERR_ENTRY_UNKNOWN', { component: this.name, asked: name, available: Object.keys(this.model.entries) });
  }

  #wanted(outline: Outline, entry: ModelEntry, asked: readonly string[] | undefined): readonly string[] {
    const available = [...outline.outputs.keys()];
    for (const name of asked ?? []) {
      if (!available.includes(name)) throw new ThimbleError('ERR_ENTRY_UNKNOWN', { component: this.name, asked: name, available });
    }
    return asked ?? entry.outputs.filter((name) => available.includes(name));
  }

  /** Graphs made by plugins that have come or gone since are stale: they are built again from the pristine description. */
  async #refresh(): Promise<void> {
    const revision = revisionOf(this.#hooks);
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#compiled.clear();
    for (const segment of this.#known.values()) await segment.forget();
  }

  async #compile(entryName: string, entry: ModelEntry, shapes: InputShapes): Promise<CompiledEntry> {
    const key = `${entryName} ${JSON.stringify(shapes)}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const frozen = await this.#frozenPrograms(entryName, shapes);
    const programs = new Map<string, SegmentProgram>(frozen);
    const outline = this.model.outline(entry, shapes, (graph) => {
      this.#know(graph, entryName);
      if (frozen === undefined) programs.set(graph.name, this.#lower(this.#transform(this.#bind(graph))));
    });
    const [oldest] = this.#compiled.keys();
    if (this.#compiled.size >= REMEMBERED_SHAPES && oldest !== undefined) this.#compiled.delete(oldest);
    const compiled = { outline, programs };
    this.#compiled.set(key, compiled);
    return compiled;
  }

  /** From the pristine graph to what the runtime takes; what plugins do stands between binding and lowering. */
  #lower(transformed: Graph): SegmentProgram {
    return programOf(lowerGraph(transformed, this.#lowering(this.#parts.activations)));
  }

  #lowering(activations: LoweringOptions['activations'] = 'float32'): LoweringOptions {
    return { bytes: this.#budget.transientBytes, activations, provider: this.device.provider };
  }

  #bind(graph: Graph): Graph {
    return bindWeights(graph, (key) => this.#weights.find(key));
  }

  #transform(bound: Graph): Graph {
    return this.#hooks.transformGraph.call(bound, this.#context(bound));
  }

  #context({ name }: Graph): GraphContext {
    return { component: this.name, segment: name, provider: this.device.provider };
  }

  #listSegments(): readonly ComponentSegment[] {
    const names = new Set<string>();
    for (const [entryName, entry] of Object.entries(this.model.entries)) {
      if (this.#parts.frozen !== undefined && this.#parts.frozen.entry !== entryName) continue;
      this.model.outline(entry, nominalShapes(entry, this.model.config), (graph) => {
        this.#know(graph, entryName);
        names.add(graph.name);
      });
    }
    return [...names].map((name) => this.#known.get(name) as ComponentSegment);
  }

  #know(graph: Graph, entryName: string): void {
    const { name } = graph;
    if (this.#known.has(name)) return;
    const source = { nominal: async () => this.#nominal(entryName, name), prepare: async (program: SegmentProgram) => this.#prepare(name, program) };
    this.#known.set(name, new ComponentSegment(name, this.#bytesOf(graph), this.device, source, (segment) => this.segments.indexOf(segment)));
  }

  async #nominal(entryName: string, segment: string): Promise<SegmentProgram> {
    const entry = this.#entry(entryName);
    const shapes = this.#parts.frozen?.inputs ?? nominalShapes(entry, this.model.config);
    return (await this.#compile(entryName, entry, shapes)).programs.get(segment) as SegmentProgram;
  }

  /** What plugins make of a program before it is loaded. */
  async #prepare(segment: string, program: SegmentProgram): Promise<SegmentProgram> {
    if (!this.#hooks.prepareSegment.isUsed()) return program;
    const preparation: SegmentPreparation = {
      component: this.name, segment, provider: this.device.provider, model: program.model, ranges: program.ranges,
      optimize: async (model, target) => this.device.optimize(model, target),
    };
    await this.#hooks.prepareSegment.call(preparation);
    return { ...program, model: preparation.model, ranges: preparation.ranges };
  }

  async #frozenPrograms(entryName: string, shapes: InputShapes): Promise<ReadonlyMap<string, SegmentProgram> | undefined> {
    const { frozen } = this.#parts;
    if (frozen === undefined) return undefined;
    checkFrozen(frozen, entryName, shapes);
    return frozen.programs();
  }

  #graphWith(weight: string): Graph | undefined {
    let found: Graph | undefined;
    for (const entry of Object.values(this.model.entries)) {
      this.model.outline(entry, nominalShapes(entry, this.model.config), (graph) => {
        if (found === undefined && graph.weights.some(({ key }) => key === weight)) found = this.#transform(this.#bind(graph));
      });
    }
    return found;
  }

  #bytesOf(graph: Graph): number {
    const keys = new Set(graph.weights.map((weight) => weight.key));
    return [...keys].reduce((sum, key) => sum + this.#weights.find(key).source.byteLength, 0);
  }
}

function identity(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

/** Grows whenever what was made of graphs is stale. */
function revisionOf({ transformGraph, prepareSegment }: Hooks): number {
  return transformGraph.revision + prepareSegment.revision;
}
