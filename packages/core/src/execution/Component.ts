import { AsyncLocalStorage } from 'node:async_hooks';
import type { Tensor } from 'onnxruntime-common';
import type { Device } from '../device/Device.js';
import type { DeviceTensor } from '../device/DeviceTensor.js';
import type { ProgramResult } from '../device/Program.js';
import { ThimbleError } from '../errors.js';
import type { OnnxModel } from '../device/OnnxModel.js';
import type { Graph } from '../graph/Graph.js';
import type { Outline } from '../graph/Outline.js';
import { MemoryBudget } from '../device/MemoryBudget.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { DecodeCall } from '../hooks/calls/DecodeCall.js';
import type { EncodeCall } from '../hooks/calls/EncodeCall.js';
import type { Hooks } from '../hooks/manifest.js';
import type { ModelCall, NamedTensors } from '../hooks/calls/ModelCall.js';
import type { RunContext } from '../hooks/calls/RunContext.js';
import type { NamedDeviceTensors, SegmentCall } from '../hooks/calls/SegmentCall.js';
import { DecodeWrapping } from '../hooks/calls/DecodeWrapping.js';
import { rowsOfSample, type SampleRows, sampleOfRows } from '../hooks/calls/SampleRows.js';
import { type Next, Wrapping } from '../hooks/engine/Wrapping.js';
import type { InputShapes, Model, ModelEntry } from '../models/Model.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { WeightStore } from '../weights/WeightStore.js';
import { Activations } from './Activations.js';
import { checkInputs } from './checkInputs.js';
import { ComponentSegment, type SegmentProgram } from './ComponentSegment.js';
import { halfInputsOf, type PlannedSegment, planEntry } from './EntryPlan.js';
import type { FrozenEntry, FrozenPrograms } from './FrozenEntry.js';
import { nominalShapes } from '../models/nominalShapes.js';
import type { LoadEvent, ModelEvent } from './ComponentEvent.js';
import { cutInputs, joinPieces } from './pieces.js';
import { toFloat16, toFloat32 } from './floatTensors.js';
import { joinOutputs, splitInputs } from './splitInputs.js';
import { type CompiledEntry, ProgramBuilder } from './SegmentCompiler.js';
import { TurnQueue } from './TurnQueue.js';
import { LayeredWeights } from './LayeredWeights.js';
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

/** What one piece of an entry point is computed from. */
interface PieceInputs {
  readonly given: NamedTensors;
  /** What the piece before left on the device. */
  readonly state: NamedDeviceTensors;
  /** Nobody needs what this piece leaves. */
  readonly last: boolean;
}

interface RunRequest extends Omit<PieceInputs, 'last'> {
  /** Values to copy back. */
  readonly download: readonly string[];
  /** Values that stay on the device. */
  readonly keep: readonly string[];
}

type RunValues = Pick<ProgramResult, 'downloaded' | 'kept'>;

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
  readonly #weights: LayeredWeights;
  readonly #known = new Map<string, ComponentSegment>();
  readonly #programs: ProgramBuilder;
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
    this.#weights = new LayeredWeights(name, model, checkpoint, hooks);
    const { activations, frozen } = parts;
    this.#programs = new ProgramBuilder({
      name,
      model,
      device,
      hooks,
      budget,
      activations,
      frozen,
      weights: this.#weights,
    });
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

  /** Where each parameter lies under the plugins of now, by state-dict key. */
  get weights(): WeightStore {
    return this.#weights.top;
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
    return this.#programs.bind(this.model.graph(entry, inputs));
  }

  lower(graph: Graph): OnnxModel {
    return this.#programs.lowerPart(graph);
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
    const memoryFormat = this.#programs.graphWith(weight)?.memoryFormat ?? 'contiguous';
    return layoutOf(parameter.shape, memoryFormat, this.device.provider);
  }

  /**
   * What the segments would run for a call with these inputs, with their sizes frozen: what a trace is made of. Under a memory limit a large batch runs in
   * parts, and the sizes are those of a part.
   *
   * @throws ERR_INPUT_INVALID, ERR_ENTRY_UNKNOWN; ERR_ARGUMENT_INVALID for inputs that are computed piece by piece, as a video's frames: each piece has sizes of its own
   */
  freeze(entryName: string, inputs: Readonly<Record<string, Tensor>>): FrozenPrograms {
    const entry = this.#entry(entryName);
    const [part] = splitInputs({ ...inputs }, entry, this.#maxBatch(entryName, { ...inputs }));
    const shapes = checkInputs(this.name, entryName, entry, part as NamedTensors);
    checkOnePiece(entryName, entry, shapes);
    return { inputs: shapes, programs: this.#programs.freeze(entry, shapes) };
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
  async decodeRows(
    { z }: { readonly z: Tensor },
    deliver: (rows: SampleRows) => void | Promise<void>,
    options: CallOptions = {},
  ): Promise<void> {
    const { call, wrapping } = await this.#beginDecode(z, options);
    if (call.sample === undefined && !this.#hooks.afterDecode.isUsed())
      return this.#decodeParts(call.z, wrapping, deliver, options);
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
  async invoke(
    entry: string,
    inputs: Readonly<Record<string, Tensor>>,
    options: CallOptions = {},
  ): Promise<NamedTensors> {
    if (entry === 'decode') return this.decode(inputs as { z: Tensor }, options);
    if (entry === 'encode') return this.encode(inputs as { x: Tensor }, options);
    return this.#callModel(entry, { ...inputs }, options, (given) => this.#execute(entry, given, options));
  }

  async #beginDecode(
    z: Tensor,
    { run, signal }: CallOptions,
  ): Promise<{ readonly call: DecodeCall; readonly wrapping: DecodeWrapping }> {
    checkInputs(this.name, 'decode', this.#entry('decode'), { z });
    const wrapping = new DecodeWrapping();
    const call: DecodeCall = { component: this.name, z, run, signal, wrap: wrapping.wrap, wrapRows: wrapping.wrapRows };
    await this.#hooks.beforeDecode.call(call);
    return { call, wrapping };
  }

  async #decodeWhole(z: Tensor, wrapping: DecodeWrapping, options: CallOptions): Promise<Tensor> {
    const outputs = await this.#callModel('decode', { z }, options, async ({ z: given }) => {
      const latents = given as Tensor;
      if (!wrapping.used) return this.#execute('decode', { z: latents }, options);
      return {
        sample: await sampleOfRows(
          await wrapping.run(async (part) => this.#decodePieces(part, options), latents),
          latents.dims[0] as number,
        ),
      };
    });
    return outputs['sample'] as Tensor;
  }

  /** What nobody has put code around goes straight to `deliver`; the model call then has no outputs. */
  async #decodeParts(
    z: Tensor,
    wrapping: DecodeWrapping,
    deliver: (rows: SampleRows) => void | Promise<void>,
    options: CallOptions,
  ): Promise<void> {
    const { sample } = await this.#callModel('decode', { z }, options, async ({ z: given }, wrapped) => {
      const parts = await wrapping.run(async (part) => this.#decodePieces(part, options), given as Tensor);
      if (wrapped) return { sample: await sampleOfRows(parts, (given as Tensor).dims[0] as number) };
      for await (const rows of parts) await deliver(rows);
      return {};
    });
    if (sample !== undefined) for await (const rows of rowsOfSample(sample)) await deliver(rows);
  }

  /** The model hooks fire once, `wrapping` computes inside them. */
  async #encodeWhole(x: Tensor, wrapping: Wrapping<Tensor, Tensor>, options: CallOptions): Promise<Tensor> {
    const compute: Next<Tensor, Tensor> = async (part) =>
      (await this.#execute('encode', { x: part }, options))['moments'] as Tensor;
    const { moments } = await this.#callModel('encode', { x }, options, async ({ x: given }) => ({
      moments: await wrapping.run(compute, given as Tensor),
    }));
    return moments as Tensor;
  }

  async #callModel(
    entry: string,
    inputs: NamedTensors,
    options: CallOptions,
    inner: (inputs: NamedTensors, wrapped: boolean) => Promise<NamedTensors>,
  ): Promise<NamedTensors> {
    const { run, signal } = options;
    signal?.throwIfAborted();
    this.#entry(entry);
    const wrapping = new Wrapping<NamedTensors, NamedTensors>();
    const call: ModelCall = {
      component: this.name,
      model: this,
      entry: entry as EntryName,
      inputs,
      run,
      signal,
      wrap: wrapping.wrap,
    };
    await this.#hooks.beforeModelCall.call(call);
    const started = performance.now();
    call.outputs ??= await wrapping.run(async (given) => inner(given, wrapping.used), call.inputs);
    this.#notify({ type: 'model', component: this.name, entry, milliseconds: performance.now() - started });
    await this.#hooks.afterModelCall.call(call);
    return call.outputs;
  }

  /** The whole output: of all parts of the batch, and of all pieces where the entry point works piece by piece. */
  async #execute(entryName: string, inputs: NamedTensors, options: CallOptions): Promise<NamedTensors> {
    const entry = this.#entry(entryName);
    const outputs: NamedTensors[] = [];
    for (const part of splitInputs(inputs, entry, this.#maxBatch(entryName, inputs))) {
      const pieces: NamedTensors[] = [];
      for await (const piece of this.#pieces(entryName, part, options)) pieces.push(piece);
      outputs.push(joinPieces(pieces, entry.sequence?.axis ?? 0));
    }
    return joinOutputs(outputs);
  }

  /** As {@link Component.#execute} of `decode`, part by part. */
  async *#decodePieces(z: Tensor, options: CallOptions): AsyncGenerator<SampleRows> {
    let index = 0;
    for (const part of splitInputs({ z }, this.#entry('decode'), this.#maxBatch('decode', { z }))) {
      let frame = 0;
      for await (const { sample } of this.#pieces('decode', part, options)) {
        yield* rowsOfSample(sample as Tensor, { index, frame });
        frame += (sample as Tensor).dims[2] as number;
      }
      index += (part['z'] as Tensor).dims[0] as number;
    }
  }

  /** How many samples of a batch are computed at once: as many as the memory limit has room for, by the largest value that one of them needs. */
  #maxBatch(entryName: string, inputs: NamedTensors): number {
    const entry = this.#entry(entryName);
    checkInputs(this.name, entryName, entry, inputs);
    const [one, ...others] = splitInputs(inputs, entry, 1) as [NamedTensors, ...NamedTensors[]];
    if (others.length === 0 || this.#budget.limit === undefined) return Infinity;
    return this.#budget.maxBatch(
      this.#programs.largestValue(entryName, entry, checkInputs(this.name, entryName, entry, one)),
    );
  }

  /** Runs an entry point piece by piece, or at once if it knows no pieces. What passes between pieces stays on the device. */
  async *#pieces(entryName: string, inputs: NamedTensors, options: CallOptions): AsyncGenerator<NamedTensors> {
    const entry = this.#entry(entryName);
    checkInputs(this.name, entryName, entry, inputs);
    const given = Object.fromEntries(
      Object.keys(entry.inputs)
        .filter((name) => inputs[name] !== undefined)
        .map((name) => [name, inputs[name] as Tensor]),
    );
    const pieces = entry.sequence === undefined ? [given] : cutInputs(given, entry.sequence);
    let state: NamedDeviceTensors = {};
    try {
      for (const [i, piece] of pieces.entries()) {
        const result = await this.#takeTurn(options.signal, () =>
          this.#run(entryName, { given: piece, state, last: i === pieces.length - 1 }, options),
        );
        state = result.state;
        yield result.outputs;
      }
    } finally {
      await this.device.free(Object.values(state));
    }
  }

  /** Calls that overlap take turns, because sessions belong to the sizes of one call. */
  async #takeTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    if (this.#inside.getStore() === true)
      throw new ThimbleError('ERR_PIPELINE_BUSY', {
        action: `call ${this.name}`,
        during: `a segment of ${this.name} itself`,
      });
    using turn = await this.#turns.take(signal);
    void turn;
    return await this.#inside.run(true, work);
  }

  async #run(
    entryName: string,
    { given, state, last }: PieceInputs,
    options: CallOptions,
  ): Promise<{ readonly outputs: NamedTensors; readonly state: NamedDeviceTensors }> {
    const entry = this.#entry(entryName);
    await this.#refresh();
    const { outline, programs } = await this.#compile(entryName, entry, shapesOf({ ...given, ...state }));
    const wanted = this.#wanted(outline, entry, options.outputs);
    const kept = last
      ? []
      : [...outline.outputs.keys()].filter(
          (name) => entry.sequence !== undefined && name.startsWith(entry.sequence.state),
        );
    const plan = planEntry(outline, [...wanted, ...kept], (name) => this.#known.get(name) as ComponentSegment);
    for (const { segment } of plan) await segment.use(programs.get(segment.name) as SegmentProgram);
    const halves = halfInputsOf(plan, programs);
    const inputs = Object.fromEntries(
      Object.entries(given).map(([name, tensor]) => [name, halves.has(name) ? toFloat16(tensor) : tensor]),
    );
    const hooked = this.#hooks.beforeSegment.isUsed() || this.#hooks.afterSegment.isUsed();
    const valuesOf = (names: readonly string[]): string[] => names.map((name) => outline.outputs.get(name) as string);
    const request = { given: inputs, state, download: valuesOf(wanted), keep: valuesOf(kept) };
    const values = hooked
      ? await this.#runHooked(plan, request, options)
      : await this.#runWhole(plan, request, options);
    return {
      outputs: Object.fromEntries(
        wanted.map((name, i) => [name, toFloat32(values.downloaded[request.download[i] as string] as Tensor)]),
      ),
      state: Object.fromEntries(kept.map((name, i) => [name, values.kept[request.keep[i] as string] as DeviceTensor])),
    };
  }

  /** All segments in one message. */
  async #runWhole(
    plan: readonly PlannedSegment[],
    { given, state, download, keep }: RunRequest,
    { signal }: CallOptions,
  ): Promise<RunValues> {
    await this.#loadSegments(
      plan.map(({ segment }) => segment),
      signal,
    );
    const steps = plan.map(({ segment, feeds, results, release }) => ({
      session: segment.session,
      feeds,
      results,
      release,
    }));
    const outputs = Object.fromEntries([
      ...download.map((value) => [value, 'download' as const] as const),
      ...keep.map((value) => [value, 'keep' as const] as const),
    ]);
    return this.device.run({ inputs: { ...given, ...state }, consumed: Object.keys(state), steps, outputs }, signal);
  }

  /** Segment by segment, with the segment hooks around each. */
  async #runHooked(
    plan: readonly PlannedSegment[],
    { given, state, download, keep }: RunRequest,
    options: CallOptions,
  ): Promise<RunValues> {
    const values = new Activations(this.device, this.#budget.parkingBytes);
    try {
      values.own(state, identity(Object.keys(state)));
      for (const [name, tensor] of Object.entries(given))
        values.own({ [name]: await this.device.upload(tensor) }, { [name]: name });
      for (const [i, step] of plan.entries()) await this.#runSegment(step, plan.slice(i + 1), values, options);
      const downloaded = await values.download(download);
      await values.need(keep);
      return { downloaded, kept: Object.fromEntries(keep.map((value) => [value, values.take(value)])) };
    } finally {
      await values.dispose();
    }
  }

  async #runSegment(
    { segment, feeds, results, release }: PlannedSegment,
    rest: readonly PlannedSegment[],
    values: Activations,
    { run, signal }: CallOptions,
  ): Promise<void> {
    signal?.throwIfAborted();
    await values.need(Object.values(feeds));
    const inputs = Object.fromEntries(Object.entries(feeds).map(([port, value]) => [port, values.get(value)]));
    const call: SegmentCall = {
      component: this.name,
      segment: segment.name,
      index: segment.index,
      following: rest.map((step) => step.segment),
      model: this,
      inputs,
      run,
      signal,
    };
    await this.#hooks.beforeSegment.call(call);
    if (call.outputs === undefined) {
      await segment.load();
      const ports = Object.keys(results);
      const { kept } = await this.device.run(
        {
          inputs: call.inputs,
          steps: [
            {
              session: segment.session,
              feeds: identity(Object.keys(call.inputs)),
              results: identity(ports),
              release: [],
            },
          ],
          outputs: Object.fromEntries(ports.map((port) => [port, 'keep' as const])),
        },
        signal,
      );
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
    this.#notify({
      type: 'load',
      component: this.name,
      bytes: missing.reduce((sum, { bytes }) => sum + bytes, 0),
      milliseconds: performance.now() - started,
    });
  }

  #entry(name: string): ModelEntry {
    const entry = this.model.entries[name];
    if (entry !== undefined) return entry;
    throw new ThimbleError('ERR_ENTRY_UNKNOWN', {
      component: this.name,
      asked: name,
      available: Object.keys(this.model.entries),
    });
  }

  #wanted(outline: Outline, entry: ModelEntry, asked: readonly string[] | undefined): readonly string[] {
    const available = [...outline.outputs.keys()];
    for (const name of asked ?? []) {
      if (!available.includes(name))
        throw new ThimbleError('ERR_ENTRY_UNKNOWN', { component: this.name, asked: name, available });
    }
    return asked ?? entry.outputs.filter((name) => available.includes(name));
  }

  /** Graphs made by plugins that have come or gone since are stale: they are built again from the pristine description. */
  async #refresh(): Promise<void> {
    const revision = revisionOf(this.#hooks);
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#programs.forget();
    for (const segment of this.#known.values()) await segment.forget();
  }

  async #compile(entryName: string, entry: ModelEntry, shapes: InputShapes): Promise<CompiledEntry> {
    return this.#programs.compile(entryName, entry, shapes, (graph) => this.#know(graph, entryName));
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
    const source = {
      nominal: async () => this.#nominal(entryName, name),
      prepare: async (program: SegmentProgram) => this.#programs.prepare(name, program),
    };
    this.#known.set(
      name,
      new ComponentSegment(name, this.#programs.weightBytes(graph), this.device, source, (segment) =>
        this.segments.indexOf(segment),
      ),
    );
  }

  async #nominal(entryName: string, segment: string): Promise<SegmentProgram> {
    const entry = this.#entry(entryName);
    const shapes = this.#parts.frozen?.inputs ?? nominalShapes(entry, this.model.config);
    return (await this.#compile(entryName, entry, shapes)).programs.get(segment) as SegmentProgram;
  }
}

/** @throws ERR_ARGUMENT_INVALID unless an entry point computes inputs of these sizes at once */
function checkOnePiece(entryName: string, { sequence }: ModelEntry, shapes: InputShapes): void {
  if (sequence === undefined) return;
  const [[name, { dims }]] = Object.entries(shapes) as [[string, InputShapes[string]]];
  const pieces = sequence.pieces(dims[sequence.axis] as number);
  if (pieces.length === 1) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: name,
    value: `[${dims.join(', ')}]`,
    expected: `at most ${Math.max(...pieces)} frames: ${entryName} computes more of them piece by piece; a TracingPlugin traces every piece`,
  });
}

function identity(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}

/** Grows whenever what was made of graphs is stale. */
function revisionOf({ transformWeights, transformGraph, prepareSegment }: Hooks): number {
  return transformWeights.revision + transformGraph.revision + prepareSegment.revision;
}

/** What a graph is built for: what the device holds as float16 was float32 before it was lowered. */
function shapesOf(tensors: Readonly<Record<string, Tensor | DeviceTensor>>): InputShapes {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, dims }]) => [
      name,
      { type: (type === 'float16' ? 'float32' : type) as InputShapes[string]['type'], dims },
    ]),
  );
}
