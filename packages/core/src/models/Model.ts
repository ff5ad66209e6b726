import { ThimbleError } from '../errors.js';
import type { ElementType, Graph } from '../graph/Graph.js';
import { GraphBuilder } from '../graph/GraphBuilder.js';
import { type Layer, listLayers, Module, nameParameters } from '../graph/Module.js';
import { type GraphSink, Outline } from '../graph/Outline.js';
import type { Parameter } from '../graph/Parameter.js';
import type { Value } from '../graph/Value.js';
import type { ModelConfig } from '../fields/ConfigReader.js';

/** An input of an entry point. */
export interface ModelInput {
  /** Element types that are accepted. */
  readonly types: readonly ElementType[];
  /**
   * A number is a fixed size; a name stands for any size, the same wherever the name occurs; 'batch' may also be 1. Names in use: batch,
   * tokens, features, frames, height, width, latentFrames, latentHeight, latentWidth, timeIds, pooled, imageTokens.
   */
  readonly dims: readonly (number | string)[];
  /** May be left out; its batch is then that of the others, or 1. */
  readonly optional?: boolean;
  /** The sample of the batch that it belongs to, where each has one of its own, such as texts of different lengths: their names end in this number. */
  readonly sample?: number;
}

/**
 * How an entry point works through its input piece by piece along one axis, with a state that passes from each piece to the next. The outputs
 * are joined along the same axis.
 */
export interface EntrySequence {
  /** Axis of the entry point's only input, and of its outputs. */
  readonly axis: number;
  /** Outputs whose names start so are the state: inputs of the same names for the next piece; absent for the first. */
  readonly state: string;
  /** Lengths of the pieces of an input of a length, in order. */
  readonly pieces: (length: number) => readonly number[];
}

/** An entry point of a model, such as `call`, `encode` or `decode`. */
export interface ModelEntry {
  readonly inputs: Readonly<Record<string, ModelInput>>;
  /** What the names in the inputs' dims are for this model unless a call says otherwise, such as `{ height: 64, width: 64, tokens: 77 }`; 1 where one is left out, as for a batch. */
  readonly nominal: Readonly<Record<string, number>>;
  /**
   * Sizes of names in the inputs' dims that follow from others, such as `height/2`, worked out of those that are known once the inputs before have been looked at.
   * Absent where no size follows from another.
   */
  readonly derived?: Readonly<Record<string, (sizes: ReadonlyMap<string, number>) => number>>;
  /** Outputs that a call returns unless it asks for others. */
  readonly outputs: readonly string[];
  /** Absent where the whole input is computed at once. */
  readonly sequence?: EntrySequence;
  /** Traces the entry point over symbolic values. */
  forward(inputs: Readonly<Record<string, Value>>): Readonly<Record<string, Value>>;
}

/** What a traced entry point is fed: name → element type and sizes. */
export type InputShapes = Readonly<Record<string, { readonly type: ElementType; readonly dims: readonly number[] }>>;

/** How a VAE is cut into overlapping tiles unless told otherwise; diffusers' `tile_sample_min_*` and `tile_overlap_factor_*`. */
export interface TilingDefaults {
  /** Of a tile, in pixels. */
  readonly height: number;
  readonly width: number;
  /** Share of a tile that overlaps the next, on each axis. */
  readonly overlapHeight: number;
  readonly overlapWidth: number;
  /** Frames that are computed at once, at most. */
  readonly frames: number;
}

/**
 * A model as a pure description: config → entry points made of ordered segments, with neither weights nor a runtime.
 * Subclasses carry diffusers' names and read like the Python they mirror.
 */
export abstract class Model extends Module {
  /** diffusers' or transformers' class name. */
  abstract readonly className: string;
  abstract readonly config: ModelConfig;
  abstract readonly entries: Readonly<Record<string, ModelEntry>>;
  /** Regular expressions for the paths of layers that keep their precision when others are stored in less (diffusers' `_skip_layerwise_casting_patterns`). */
  readonly skipLayerwiseCastingPatterns: readonly string[] = [];
  #parameters: readonly Parameter[] | undefined;

  /** The parameters, in the order of the Python model's state dict as far as it matters: by where they hang. */
  get parameters(): readonly Parameter[] {
    this.#parameters ??= nameParameters(this);
    return this.#parameters;
  }

  override get pythonClass(): string {
    return this.className;
  }

  /** The layers that hold the parameters, each with the modules it hangs on. */
  listLayers(): readonly Layer[] {
    return listLayers(this);
  }

  /** How it is cut into tiles, where a model has a way of its own. */
  get tiling(): TilingDefaults | undefined {
    return undefined;
  }

  /** Other spellings under which real checkpoints hold a key, in order of preference. */
  keyAliases(_key: string): readonly string[] {
    return [];
  }

  /** Traces an entry point at given sizes into segments; each one's graph goes to `sink`. */
  outline(entry: ModelEntry, inputs: InputShapes, sink: GraphSink): Outline {
    void this.parameters;
    const outline = new Outline(sink);
    const values = Object.entries(inputs).map(
      ([name, { type, dims }]) => [name, outline.input(name, type, dims)] as const,
    );
    for (const [name, value] of Object.entries(entry.forward(Object.fromEntries(values)))) outline.output(name, value);
    return outline;
  }

  /** Traces an entry point at given sizes into one graph. @throws ERR_ENTRY_UNKNOWN for an entry point that the model does not have */
  graph(entryName: string, inputs: InputShapes): Graph {
    const entry = this.entries[entryName];
    if (entry === undefined)
      throw new ThimbleError('ERR_ENTRY_UNKNOWN', {
        component: this.className,
        asked: String(entryName),
        available: Object.keys(this.entries),
      });
    void this.parameters;
    const builder = new GraphBuilder(`${this.className}.${entryName}`);
    const values = Object.entries(inputs).map(
      ([name, { type, dims }]) => [name, builder.input(name, type, dims)] as const,
    );
    const outputs = entry.forward(Object.fromEntries(values));
    for (const name of entry.outputs) if (outputs[name] !== undefined) builder.output(`out.${name}`, outputs[name]);
    return builder.build();
  }
}

/** A class of models: what a file in this folder exports. */
export interface ModelClass {
  /** What the component is called where a checkpoint is this one model: 'unet'. Default 'model'. */
  readonly componentName?: string;
  /**
   * Makes the model of a `config.json`.
   *
   * @param className the name under which the checkpoint asks for it; a class may have several
   * @throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field
   */
  fromConfig(config: ModelConfig, className: string): Model;
}
