import { setImmediate } from 'node:timers/promises';
import type { Device } from '../device/Device.js';
import type { MemoryBudget } from '../device/MemoryBudget.js';
import type { OnnxModel } from '../device/OnnxModel.js';
import type { Graph } from '../graph/Graph.js';
import type { Outline } from '../graph/Outline.js';
import type { WeightCut } from '../graph/cutByWeights.js';
import { bindWeights } from '../graph/passes/bindWeights.js';
import type { Convolution } from '../graph/passes/winograd/chooseConvolution.js';
import { freezeShapes } from '../graph/passes/freezeShapes.js';
import type { GraphContext } from '../hooks/calls/GraphContext.js';
import type { Hooks } from '../hooks/manifest.js';
import type { SegmentPreparation } from '../hooks/calls/SegmentPreparation.js';
import type { InputShapes, Model, ModelEntry } from '../models/Model.js';
import type { LayeredWeights } from './LayeredWeights.js';
import { checkFrozen, type FreezeOptions, type FrozenEntry } from './FrozenEntry.js';
import { lowerGraph, type LoweringOptions } from '../graph/lower.js';
import { nominalShapes } from '../models/nominalShapes.js';
import { type CompiledSegment, compileSegment } from './compileSegment.js';
import { inSlices } from '../graph/inSlices.js';
import { GraphGarbage } from './GraphGarbage.js';
import { EntryTrace } from './EntryTrace.js';

/** One entry point at given sizes. */
export interface CompiledEntry {
  readonly outline: Outline;
  /** By segment. */
  readonly programs: ReadonlyMap<string, CompiledSegment>;
}

/** What is compiled. */
export interface CompileRequest {
  readonly entry: ModelEntry;
  readonly shapes: InputShapes;
  readonly seen: (graph: Graph) => void;
  readonly signal: AbortSignal | undefined;
}

/** What a {@link SegmentCompiler} works with. */
export interface SegmentCompilerParts {
  /** The component's name. */
  readonly name: string;
  readonly model: Model;
  readonly weights: LayeredWeights;
  readonly device: Device;
  readonly hooks: Hooks;
  readonly budget: MemoryBudget;
  /** Default 'float32'. */
  readonly activations?: LoweringOptions['activations'] | undefined;
  readonly frozen?: FrozenEntry | undefined;
  /** How 3×3 convolutions are computed on the CPU. Default 'winograd'. */
  readonly convolution?: Convolution | undefined;
}

/** How many shapes of calls are remembered, so that alternating between a few costs nothing. */
const REMEMBERED_SHAPES = 6;

/** Of how many shapes is remembered how much they take. */
const REMEMBERED_NEEDS = 64;

/** From a model's pristine graphs to what the runtime takes, for the sizes of a call; what plugins do stands between binding weights and lowering. */
export class SegmentCompiler {
  readonly #parts: SegmentCompilerParts;
  readonly #compiled = new Map<string, CompiledEntry>();
  readonly #largest = new Map<string, number>();
  readonly #needs = new Map<string, number>();
  #revision = 0;
  #stored: number | undefined;

  constructor(parts: SegmentCompilerParts) {
    this.#parts = parts;
  }

  /**
   * Graphs are made in slices of time, so that others have their turn meanwhile. Every graph goes to `seen`, if they have to be built.
   *
   * @throws `signal.reason`; what a frozen entry point says of other sizes
   */
  async compile(entryName: string, { entry, shapes, seen, signal }: CompileRequest): Promise<CompiledEntry> {
    const key = keyOf(entryName, shapes);
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const garbage = this.#parts.budget.limit === undefined ? undefined : new GraphGarbage();
    const frozen = await this.#frozenPrograms(entryName, shapes);
    const programs = new Map<string, CompiledSegment>(frozen);
    const { outline, graphs } = this.#trace(entry, shapes);
    await setImmediate();
    const revision = this.#revision;
    for (const graph of graphs) seen(graph);
    const partsAlone = !this.#parts.hooks.prepareSegment.isUsed();
    if (frozen === undefined)
      await inSlices(graphs, signal, (graph) => {
        programs.set(graph.name, this.#lower(this.#transform(this.bind(graph), shapes), partsAlone));
        garbage?.settle();
      });
    const compiled = { outline, programs };
    // Plugins may have come or gone meanwhile.
    if (revision === this.#revision) remember(this.#compiled, key, compiled);
    return compiled;
  }

  /** Forgets what was built: plugins have come or gone. */
  forget(): void {
    this.#revision++;
    this.#compiled.clear();
  }

  /** The programs of an entry point with their sizes frozen, by segment. */
  async freeze(
    entry: ModelEntry,
    shapes: InputShapes,
    { signal, directConvolutions = false }: FreezeOptions,
  ): Promise<ReadonlyMap<string, CompiledSegment>> {
    const programs = new Map<string, CompiledSegment>();
    await inSlices(this.#trace(entry, shapes).graphs, signal, (graph) => {
      const transformed = this.#transform(this.bind(graph), shapes);
      const direct = directConvolutions || transformed.directConvolutions;
      programs.set(graph.name, this.#lower(freezeShapes(transformed.with({ directConvolutions: direct }))));
    });
    return programs;
  }

  /** A graph with the places of its weights. */
  bind(graph: Graph): Graph {
    return bindWeights(graph, this.#parts.weights.top);
  }

  /** A part of a graph that was cut out of it, in float32. */
  lowerPart(graph: Graph): OnnxModel {
    const transformed = this.#parts.hooks.transformGraph.call(graph, { ...this.#context(graph), partial: true });
    return compileSegment(lowerGraph(transformed, this.#lowering()), { cut: this.#cut }).model;
  }

  /** What plugins make of the graph that reads a weight. */
  graphWith(weight: string): Graph | undefined {
    const { model } = this.#parts;
    let found: Graph | undefined;
    for (const entry of Object.values(model.entries)) {
      const shapes = nominalShapes(entry);
      model.outline(entry, shapes, (graph) => {
        if (found === undefined && graph.weights.some(({ key }) => key === weight))
          found = this.#transform(this.bind(graph), shapes);
      });
    }
    return found;
  }

  /** What plugins make of a program before it is loaded. */
  async prepare(segment: string, program: CompiledSegment, signal?: AbortSignal): Promise<CompiledSegment> {
    const { name, device, hooks } = this.#parts;
    if (!hooks.prepareSegment.isUsed()) return program;
    const preparation: SegmentPreparation = {
      component: name,
      segment,
      provider: device.provider,
      model: program.model,
      ranges: program.ranges,
      signal,
      optimize: async (model, target) => device.optimize(model, target, signal),
    };
    await hooks.prepareSegment.call(preparation);
    return { ...program, model: preparation.model, ranges: preparation.ranges };
  }

  /** Bytes of a graph's weights in the checkpoint. */
  weightBytes(graph: Graph): number {
    return this.#bytesOf(new Set(graph.weights.map(({ key }) => key)));
  }

  /** About how many bytes an entry point takes at given sizes, weights not counted. As for the largest value, it is traced for that, and remembered. */
  valueBytes(entryName: string, entry: ModelEntry, shapes: InputShapes, parkedFrom?: number): number {
    const dims = Object.entries(shapes).map(([name, shape]) => `${name} ${shape.dims.join('x')}`);
    const key = [entryName, parkedFrom, ...dims].join(' ');
    const known = this.#needs.get(key);
    if (known !== undefined) return known;
    const { transientBytes } = this.#parts.budget;
    const need = this.#trace(entry, shapes).valueBytes({ transientBytes, parkedFrom });
    remember(this.#needs, key, need, REMEMBERED_NEEDS);
    return need;
  }

  /** Bytes of the largest value of an entry point at given sizes. It is worked out by tracing the model, so it is remembered. */
  largestValue(entryName: string, entry: ModelEntry, shapes: InputShapes): number {
    const key = keyOf(entryName, shapes);
    const known = this.#largest.get(key);
    if (known !== undefined) return known;
    const { largestValue } = this.#trace(entry, shapes);
    remember(this.#largest, key, largestValue, REMEMBERED_NEEDS);
    return largestValue;
  }

  /** Tracing takes tens of milliseconds; what graphs become afterwards takes more. */
  #trace(entry: ModelEntry, shapes: InputShapes): EntryTrace {
    return new EntryTrace(this.#parts.model, entry, shapes);
  }

  async #frozenPrograms(
    entryName: string,
    shapes: InputShapes,
  ): Promise<ReadonlyMap<string, CompiledSegment> | undefined> {
    const { frozen } = this.#parts;
    if (frozen === undefined) return undefined;
    checkFrozen(frozen, entryName, shapes);
    return frozen.programs();
  }

  #lower(transformed: Graph, partsAlone = false): CompiledSegment {
    const lowered = lowerGraph(transformed, this.#lowering(this.#parts.activations));
    return compileSegment(lowered, { cut: this.#cut, partsAlone });
  }

  #lowering(activations: LoweringOptions['activations'] = 'float32'): LoweringOptions {
    const { budget, device, convolution: kind = 'winograd' } = this.#parts;
    const convolution = { kind, bytes: budget.convolutionBytes };
    return { bytes: budget.transientBytes, activations, provider: device.provider, convolution };
  }

  get #cut(): WeightCut | undefined {
    const { budget, device } = this.#parts;
    return device.provider === 'cpu' ? budget.weightPartsOf(this.#storedBytes) : undefined;
  }

  /** Of all weights, as they are stored in the checkpoint. */
  get #storedBytes(): number {
    this.#stored ??= this.#bytesOf(this.#parts.model.parameters.map(({ key }) => key));
    return this.#stored;
  }

  #bytesOf(keys: Iterable<string>): number {
    const { base } = this.#parts.weights;
    return [...keys].reduce((sum, key) => sum + (base.find(key)?.byteLength ?? 0), 0);
  }

  #transform(bound: Graph, inputs: InputShapes): Graph {
    return this.#parts.hooks.transformGraph.call(bound, { ...this.#context(bound), inputs });
  }

  #context({ name: segment }: Graph): GraphContext {
    const { name: component, model, device } = this.#parts;
    return { component, model, segment, provider: device.provider };
  }
}

function keyOf(entryName: string, shapes: InputShapes): string {
  return `${entryName} ${JSON.stringify(shapes)}`;
}

/** Forgets what was remembered first, where there is too much. */
function remember<T>(known: Map<string, T>, key: string, value: T, most = REMEMBERED_SHAPES): void {
  const [oldest] = known.keys();
  if (known.size >= most && oldest !== undefined) known.delete(oldest);
  known.set(key, value);
}
