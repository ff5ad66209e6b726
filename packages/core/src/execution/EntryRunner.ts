import { AsyncLocalStorage } from 'node:async_hooks';
import type { Tensor } from 'onnxruntime-common';
import type { Device } from '../device/Device.js';
import type { DeviceTensor } from '../device/DeviceTensor.js';
import type { MemoryBudget } from '../device/MemoryBudget.js';
import { ThimbleError } from '../errors.js';
import type { Outline } from '../graph/Outline.js';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { Hooks } from '../hooks/manifest.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { NamedDeviceTensors } from '../hooks/calls/SegmentCall.js';
import type { InputShapes, Model, ModelEntry } from '../models/Model.js';
import type { MemoryRoom } from './MemoryRoom.js';
import { checkInputs } from './checkInputs.js';
import type { ComponentSegments } from './ComponentSegments.js';
import type { CompiledSegment } from './compileSegment.js';
import { halfInputsOf, planEntry, type PlannedSegment } from './EntryPlan.js';
import { entryOf } from './entryOf.js';
import { feedPlan } from './feedPlan.js';
import { toFloat32 } from './floatTensors.js';
import { checkOnePiece, type FreezeOptions, type FrozenPrograms } from './FrozenEntry.js';
import { cutIntoPieces, joinPieces } from './sequencePieces.js';
import type { CompiledEntry, SegmentCompiler } from './SegmentCompiler.js';
import type { SegmentRunner } from './SegmentRunner.js';
import { countSamples, joinParts, splitIntoParts } from './batchParts.js';
import { allToLocal, holdTensor, readyFor } from './heldTensor.js';
import { TurnQueue } from './TurnQueue.js';

/** What an {@link EntryRunner} works with. */
export interface EntryRunnerParts {
  /** The component's name. */
  readonly name: string;
  readonly model: Model;
  readonly device: Device;
  readonly budget: MemoryBudget;
  readonly hooks: Hooks;
  readonly room: MemoryRoom;
  readonly compiler: SegmentCompiler;
  readonly segments: ComponentSegments;
  readonly runner: SegmentRunner;
}

/** What one piece of an entry point is computed from. */
interface PieceInputs {
  readonly given: NamedTensors;
  /** What the piece before left on the device. */
  readonly state: NamedDeviceTensors;
  /** Nobody needs what this piece leaves. */
  readonly last: boolean;
}

/** An entry point at given sizes, and what of it runs. */
interface EntryPrograms extends CompiledEntry {
  /** Names of outputs that somebody asked for. */
  readonly wanted: readonly string[];
  /** Names of outputs that stay on the device for the next piece. */
  readonly kept: readonly string[];
  readonly plan: readonly PlannedSegment[];
}

interface PieceOutputs {
  readonly outputs: NamedTensors;
  /** What stays on the device for the next piece. */
  readonly state: NamedDeviceTensors;
}

/**
 * The keys of the runners inside whose turns the running code is. One store for all runners: each one that there is makes every promise of the process slower,
 * for as long as the process lives.
 */
const insideOf = new AsyncLocalStorage<readonly object[]>();

/** Computes entry points: a batch in parts where memory asks for it, a sequence piece by piece where the model says so. */
export class EntryRunner {
  readonly #parts: EntryRunnerParts;
  readonly #turns = new TurnQueue();
  /** Stands for this runner in {@link insideOf}, so that what began in a turn of it keeps no pipeline alive. */
  readonly #key = {};

  constructor(parts: EntryRunnerParts) {
    this.#parts = parts;
  }

  /** Does something to what is loaded, between two calls: never under one that is computed. Within one, such as in a segment's hook, it is done at once. @throws `signal.reason` */
  async betweenCalls(signal: AbortSignal | undefined, work: () => Promise<void>): Promise<void> {
    if (insideOf.getStore()?.includes(this.#key) === true) return work();
    using turn = await this.#turns.take(signal);
    void turn;
    await work();
  }

  /** The whole output: of all parts of the batch, and of all pieces where the entry point works piece by piece. */
  async run(entryName: string, inputs: NamedTensors, options: CallOptions): Promise<NamedTensors> {
    const isWhole = this.#staysWhole(entryName, inputs);
    const parts = isWhole ? [inputs] : this.parts(entryName, await allToLocal(inputs));
    const told = isWhole ? options : { ...options, preferredOutputLocation: undefined };
    const outputs: NamedTensors[] = [];
    for (const part of parts) {
      const pieces: NamedTensors[] = [];
      for await (const piece of this.pieces(entryName, part, told)) pieces.push(piece);
      outputs.push(joinPieces(pieces, this.#entry(entryName).sequence?.axis ?? 0));
    }
    return joinParts(outputs);
  }

  /** The inputs of a batch in parts that are computed one after the other: as many samples at once as the memory limit has room for. */
  parts(entryName: string, inputs: NamedTensors): readonly NamedTensors[] {
    const entry = this.#entry(entryName);
    const parts = splitIntoParts(inputs, entry, this.#maxBatch(entryName, inputs));
    const single = splitIntoParts(inputs, entry, 1);
    if (single.length === parts.length || entry.sequence !== undefined) return parts;
    const shapes = this.#check(entryName, parts[0] as NamedTensors);
    return this.#parts.room.excess(entryName, shapes) === undefined ? parts : single;
  }

  /** Computes a part of a batch piece by piece, or at once if the entry point knows no pieces. What passes between pieces stays on the device. */
  async *pieces(entryName: string, inputs: NamedTensors, options: CallOptions): AsyncGenerator<NamedTensors> {
    const entry = this.#entry(entryName);
    this.#check(entryName, inputs);
    const given = Object.fromEntries(
      Object.keys(entry.inputs)
        .filter((name) => inputs[name] !== undefined)
        .map((name) => [name, inputs[name] as Tensor]),
    );
    const pieces = entry.sequence === undefined ? [given] : cutIntoPieces(given, entry.sequence);
    let state: NamedDeviceTensors = {};
    try {
      for (const [i, piece] of pieces.entries()) {
        const result = await this.#takeTurn(options.signal, () =>
          this.#runPiece(entryName, { given: piece, state, last: i === pieces.length - 1 }, options),
        );
        state = result.state;
        yield result.outputs;
      }
    } finally {
      await this.#parts.device.free(Object.values(state));
    }
  }

  /** See {@link Component.loadAhead}. */
  async loadAhead(entryName: string, inputs: NamedTensors, signal: AbortSignal | undefined): Promise<void> {
    const { budget, hooks, segments } = this.#parts;
    const { beforeModelCall, beforeSegment, afterSegment, prepareSegment } = hooks;
    const tapped = [beforeModelCall, beforeSegment, afterSegment, prepareSegment].some((hook) => hook.isUsed());
    if (tapped || !budget.loadsAhead || this.#entry(entryName).sequence !== undefined) return;
    const [part] = this.parts(entryName, inputs);
    const shapes = this.#check(entryName, part as NamedTensors);
    await this.betweenCalls(signal, async () => {
      const { plan } = await this.#plan(entryName, shapes, { signal });
      await segments.load(
        plan.map(({ segment }) => segment),
        signal,
      );
    });
  }

  /** See {@link Component.freeze}. */
  async freeze(entryName: string, inputs: NamedTensors, options: FreezeOptions): Promise<FrozenPrograms> {
    const entry = this.#entry(entryName);
    const [part] = this.parts(entryName, inputs);
    const shapes = this.#check(entryName, part as NamedTensors);
    checkOnePiece(entryName, entry, shapes);
    return { inputs: shapes, programs: await this.#parts.compiler.freeze(entry, shapes, options) };
  }

  /** Whether it is computed at once, whatever it takes. */
  #staysWhole(entryName: string, inputs: NamedTensors): boolean {
    const entry = this.#entry(entryName);
    this.#check(entryName, inputs);
    if (entry.sequence !== undefined) return false;
    return this.#parts.budget.limit === undefined || countSamples(inputs, entry) === 1;
  }

  /** How many samples of a batch are computed at once: as many as the memory limit has room for, by the largest value that one of them needs. */
  #maxBatch(entryName: string, inputs: NamedTensors): number {
    const { budget, compiler } = this.#parts;
    const entry = this.#entry(entryName);
    this.#check(entryName, inputs);
    const [one, ...others] = splitIntoParts(inputs, entry, 1) as [NamedTensors, ...NamedTensors[]];
    if (others.length === 0 || budget.limit === undefined) return Infinity;
    return budget.maxBatch(compiler.largestValue(entryName, entry, this.#check(entryName, one)));
  }

  /** Calls that overlap take turns, because sessions belong to the sizes of one call. */
  async #takeTurn<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const { name } = this.#parts;
    const around = insideOf.getStore() ?? [];
    if (around.includes(this.#key))
      throw new ThimbleError('ERR_PIPELINE_BUSY', { action: `call ${name}`, during: `a segment of ${name} itself` });
    using turn = await this.#turns.take(signal);
    void turn;
    return await insideOf.run([...around, this.#key], work);
  }

  async #runPiece(entryName: string, { given, state, last }: PieceInputs, options: CallOptions): Promise<PieceOutputs> {
    const shapes = shapesOf({ ...given, ...state });
    this.#parts.room.check(entryName, shapes);
    const { device } = this.#parts;
    const { outline, programs, wanted, kept, plan } = await this.#plan(entryName, shapes, { ...options, last });
    const halves = halfInputsOf(plan, programs);
    const inputs: NamedTensors = {};
    for (const [name, tensor] of Object.entries(given))
      inputs[name] = await readyFor(device, tensor, halves.has(name) ? 'float16' : tensor.type);
    const valueOf = (name: string): string => outline.outputs.get(name) as string;
    const holds = options.preferredOutputLocation === 'ml-tensor';
    const download = holds ? [] : wanted.map(valueOf);
    const keep = [...(holds ? wanted : []), ...kept].map(valueOf);
    const fed = feedPlan(plan, programs);
    const values = await this.#parts.runner.run(
      fed.plan,
      { given: { ...inputs, ...fed.inputs }, state, download, keep },
      options,
    );
    const stateOf = (name: string): DeviceTensor => values.kept[valueOf(name)] as DeviceTensor;
    return {
      outputs: Object.fromEntries(
        wanted.map((name) => [
          name,
          holds ? holdTensor(device, stateOf(name)) : toFloat32(values.downloaded[valueOf(name)] as Tensor),
        ]),
      ),
      state: Object.fromEntries(kept.map((name) => [name, stateOf(name)])),
    };
  }

  /** What an entry point runs at these sizes, which its segments are told. `last`: nobody needs its state. */
  async #plan(
    entryName: string,
    shapes: InputShapes,
    { outputs: asked, signal, last = true }: Pick<CallOptions, 'outputs' | 'signal'> & { readonly last?: boolean },
  ): Promise<EntryPrograms> {
    const { segments } = this.#parts;
    const { sequence, outputs } = this.#entry(entryName);
    await segments.refresh();
    const { outline, programs } = await segments.compile(entryName, shapes, signal);
    const wanted = asked ?? outputs.filter((name) => outline.outputs.has(name));
    const kept =
      last || sequence === undefined
        ? []
        : [...outline.outputs.keys()].filter((name) => name.startsWith(sequence.state));
    this.#checkOutputs(outline, wanted);
    const plan = planEntry(outline, [...wanted, ...kept], (name) => segments.get(name));
    for (const { segment } of plan) await segment.use(programs.get(segment.name) as CompiledSegment);
    return { outline, programs, wanted, kept, plan };
  }

  #checkOutputs({ outputs }: Outline, wanted: readonly string[]): void {
    for (const asked of wanted) {
      if (!outputs.has(asked))
        throw new ThimbleError('ERR_ENTRY_UNKNOWN', {
          component: this.#parts.name,
          asked,
          available: [...outputs.keys()],
        });
    }
  }

  #check(entryName: string, inputs: NamedTensors): InputShapes {
    return checkInputs(this.#parts.name, entryName, this.#entry(entryName), inputs);
  }

  #entry(entryName: string): ModelEntry {
    return entryOf(this.#parts.name, this.#parts.model, entryName);
  }
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
