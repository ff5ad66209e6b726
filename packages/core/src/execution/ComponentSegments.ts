import type { Device } from '../device/Device.js';
import type { Graph } from '../graph/Graph.js';
import type { Hooks } from '../hooks/manifest.js';
import type { InputShapes, Model } from '../models/Model.js';
import { nominalShapes } from '../models/nominalShapes.js';
import type { LoadEvent } from './ComponentEvent.js';
import { ComponentSegment } from './ComponentSegment.js';
import type { CompiledSegment } from './compileSegment.js';
import { entryOf } from './entryOf.js';
import type { FrozenEntry } from './FrozenEntry.js';
import type { CompiledEntry, SegmentCompiler } from './SegmentCompiler.js';

/** What {@link ComponentSegments} works with. */
export interface ComponentSegmentsParts {
  /** The component's name. */
  readonly name: string;
  readonly model: Model;
  readonly device: Device;
  readonly hooks: Hooks;
  readonly compiler: SegmentCompiler;
  readonly notify: (event: LoadEvent) => void;
  readonly frozen?: FrozenEntry | undefined;
}

/** The segments of a component: which there are, what they run under the plugins of now, and which are loaded. */
export class ComponentSegments {
  readonly #parts: ComponentSegmentsParts;
  readonly #known = new Map<string, ComponentSegment>();
  #all: readonly ComponentSegment[] | undefined;
  #revision: number;

  constructor(parts: ComponentSegmentsParts) {
    this.#parts = parts;
    this.#revision = revisionOf(parts.hooks);
  }

  /** Those of all entry points. Listing them traces the model, so it is put off until somebody asks. */
  get all(): readonly ComponentSegment[] {
    this.#all ??= this.#list();
    return this.#all;
  }

  get residentBytes(): number {
    return [...this.#known.values()].reduce((sum, segment) => sum + (segment.loaded ? segment.bytes : 0), 0);
  }

  /** One that an entry point was compiled to. */
  get(name: string): ComponentSegment {
    return this.#known.get(name) as ComponentSegment;
  }

  /** Loads those that are not loaded, and tells of it. @throws `signal.reason` */
  async load(segments: readonly ComponentSegment[], signal: AbortSignal | undefined): Promise<void> {
    const missing = segments.filter((segment) => !segment.loaded);
    if (missing.length === 0) return;
    const started = performance.now();
    for (const segment of missing) {
      await segment.load(signal);
    }
    this.#parts.notify({
      type: 'load',
      component: this.#parts.name,
      bytes: missing.reduce((sum, { bytes }) => sum + bytes, 0),
      milliseconds: performance.now() - started,
    });
  }

  async unload(): Promise<void> {
    for (const segment of this.#known.values()) await segment.unload();
  }

  /** Forgets graphs that plugins made who have come or gone since: they are built again from the pristine description. */
  async refresh(): Promise<void> {
    const revision = revisionOf(this.#parts.hooks);
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#parts.compiler.forget();
    for (const segment of this.#known.values()) await segment.forget();
  }

  /** An entry point at the sizes of a call. @throws ERR_ENTRY_UNKNOWN, and as {@link SegmentCompiler.compile} */
  async compile(entryName: string, shapes: InputShapes, signal: AbortSignal | undefined): Promise<CompiledEntry> {
    const { name, model, compiler } = this.#parts;
    const seen = (graph: Graph): void => this.#know(graph, entryName);
    return compiler.compile(entryName, { entry: entryOf(name, model, entryName), shapes, seen, signal });
  }

  #list(): readonly ComponentSegment[] {
    const { model, frozen } = this.#parts;
    const names = new Set<string>();
    for (const [entryName, entry] of Object.entries(model.entries)) {
      if (frozen !== undefined && frozen.entry !== entryName) continue;
      model.outline(entry, nominalShapes(entry), (graph) => {
        this.#know(graph, entryName);
        names.add(graph.name);
      });
    }
    return [...names].map((name) => this.get(name));
  }

  #know(graph: Graph, entryName: string): void {
    const { name } = graph;
    if (this.#known.has(name)) return;
    const { device, compiler } = this.#parts;
    const source = {
      nominal: async (signal?: AbortSignal) => this.#nominal(entryName, name, signal),
      prepare: async (program: CompiledSegment, signal?: AbortSignal) => compiler.prepare(name, program, signal),
    };
    const indexOf = (segment: ComponentSegment): number => this.all.indexOf(segment);
    this.#known.set(name, new ComponentSegment(name, compiler.weightBytes(graph), device, source, indexOf));
  }

  async #nominal(entryName: string, segment: string, signal: AbortSignal | undefined): Promise<CompiledSegment> {
    const { name, model, frozen } = this.#parts;
    const shapes = frozen?.inputs ?? nominalShapes(entryOf(name, model, entryName));
    return (await this.compile(entryName, shapes, signal)).programs.get(segment) as CompiledSegment;
  }
}

/** Grows whenever what was made of graphs is stale. */
function revisionOf({ transformWeights, transformGraph, prepareSegment }: Hooks): number {
  return transformWeights.revision + transformGraph.revision + prepareSegment.revision;
}
