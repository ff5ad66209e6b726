import { type Plugin, Tensor } from '@thimble/core';
import {
  checkMembers,
  chunkFeedForward,
  type Graph,
  type GraphContext,
  MemoryBudget,
  percentProgress,
  type PluginContext,
  type PreparedWeights,
  prepareWeights,
  readOptions,
  refuseOption,
  Stage,
} from '@thimble/core/plugin';
import { adaptersStage, mergeStage } from './adaptersStage.js';
import { addBranches } from './branch/addBranches.js';
import { ScaleInputs, type ScaleSource } from './branch/ScaleInputs.js';
import { FusedWeights } from './fuse/FusedWeights.js';
import { scaleAt } from './layers/blockPlace.js';
import type { LayerChange } from './layers/LayerChange.js';
import {
  checkAdapters,
  type CheckedAdapter,
  checkScale,
  type LoraAdapterOptions,
  loraFields,
  type LoraOptions,
  type LoraScale,
  nameOf,
} from './LoraOptions.js';
import type { LoraReport } from './LoraReport.js';
import { LoraSession } from './LoraSession.js';
import { openLoras } from './OpenedLora.js';

/** A pipeline that the plugin is in. */
interface Use {
  readonly session: LoraSession;
  /** Where layers are fused. */
  readonly prepared?: PreparedWeights;
}

/**
 * LoRAs, and their kin by other formulas (LoCon, DoRA, LoHa, LoKr), in a pipeline: beside its layers, or merged into them. Takes files by diffusers and PEFT, kohya's scripts
 * and LyCORIS, with diffusers' names of layers or with those of the authors' repositories. Removed, the pipeline computes bit for bit what it did before.
 */
export class LoraPlugin implements Plugin {
  static readonly optionFields = loraFields;
  readonly name = 'thimble:lora';
  readonly engines = { thimble: '^0.2.0' };
  readonly #adapters: readonly CheckedAdapter[];
  readonly #mode: 'branch' | 'fuse';
  readonly #localFilesOnly: boolean;
  readonly #scales: Map<string, LoraScale>;
  readonly #uses = new Set<Use>();
  /** By name: one for each scale, so that the segments of a component share it. */
  readonly #sources = new Map<string, ScaleSource>();

  /**
   * @param adapters in this order; of each its `file`, or its `id` on the hub
   * @throws ThimbleError ERR_ARGUMENT_INVALID naming the option
   */
  constructor(adapters: readonly LoraAdapterOptions[], options: LoraOptions = {}) {
    this.#adapters = checkAdapters(adapters);
    const { mode, localFilesOnly } = readOptions(options, loraFields, 'LoraPlugin');
    this.#mode = mode;
    this.#localFilesOnly = localFilesOnly;
    this.#scales = new Map(this.#adapters.map((adapter) => [nameOf(adapter), adapter.scale]));
  }

  /** What the LoRAs do, for each pipeline that the plugin is in, once its checkpoint is open: layers that they change, and what of them is not used. */
  get reports(): readonly LoraReport[] {
    return [...this.#uses].flatMap(({ session }) => session.reports());
  }

  /** How strong each LoRA is, by name. */
  get scales(): Readonly<Record<string, LoraScale>> {
    return Object.fromEntries(this.#scales);
  }

  /**
   * Changes how strong LoRAs are, from the next call of a component on: `await plugin.setScales({ detail: 0.6 })`. Nothing is built again; where layers are fused, they are
   * made anew.
   *
   * @param scales by name; LoRAs that are not named keep theirs
   * @throws ThimbleError ERR_ARGUMENT_INVALID for a name that none has, and for what is no scale; `signal.reason`; fused: ERR_DISK_FULL, ERR_FILE_ACCESS
   */
  async setScales(
    scales: Readonly<Record<string, LoraScale>>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    checkMembers('scales', scales, 'scales by the names of LoRAs', []);
    checkMembers('options', options, 'an object, or nothing', []);
    const names = [...this.#scales.keys()];
    const checked = Object.entries(scales).map(([name, scale]) => {
      if (!this.#scales.has(name)) refuseOption('scales', name, `names out of ${names.join(', ')}`);
      return [name, checkScale(`scales.${name}`, scale)] as const;
    });
    for (const [name, scale] of checked) this.#scales.set(name, scale);
    for (const { prepared } of this.#uses) await prepared?.renew(options.signal);
  }

  async apply(context: PluginContext): Promise<void> {
    const { hooks, pipeline, onRemove } = context;
    const session = new LoraSession(pipeline, await openLoras(this.#adapters, this.#localFilesOnly));
    session.check();
    // Components may come later, or others in their place.
    const early = { name: this.name, stage: Stage.Early - 2 };
    hooks.beforeRun.tap(early, () => session.check());
    hooks.beforeModelCall.tap(early, () => session.check());
    const prepared = this.#mode === 'fuse' ? { prepared: await this.#fuse(context, session) } : {};
    if (this.#mode === 'branch') this.#branch(context, session);
    const use: Use = { session, ...prepared };
    this.#uses.add(use);
    onRemove(() => void this.#uses.delete(use));
  }

  #branch({ hooks, pipeline }: PluginContext, session: LoraSession): void {
    const { transientBytes } = new MemoryBudget(pipeline.memoryLimit);
    hooks.transformGraph.tap({ name: this.name, stage: adaptersStage }, (graph, context) =>
      this.#transform(graph, context, session, transientBytes),
    );
  }

  #transform(graph: Graph, context: GraphContext, session: LoraSession, transientBytes: number): Graph | undefined {
    const component = session.components.find(
      ({ name, model }) => name === context.component && model === context.model,
    );
    if (component === undefined) return undefined;
    const changes = session.changesOf(component);
    if (!graph.weights.some(({ key }) => changes.has(key))) return undefined;
    // What feed-forward layers make is too large for little memory; with branches beside its layers one is not known as such any more.
    const chunked = chunkFeedForward(graph, transientBytes);
    return addBranches(chunked, changes, new ScaleInputs((change) => this.#sourceOf(change), context.partial === true));
  }

  async #fuse(context: PluginContext, session: LoraSession): Promise<PreparedWeights> {
    return prepareWeights<FusedWeights>(context, {
      name: this.name,
      stage: mergeStage,
      chosen: () => session.components.filter((component) => session.changesOf(component).size > 0),
      prepare: async (component, below, signal) =>
        FusedWeights.of(below, {
          changes: session.changesOf(component),
          scaleOf: (change) => this.#scaleOf(change),
          signal,
          onProgress: percentProgress(context.pipeline, `${component.name} with LoRA`),
        }),
      layer: (below, weights) => weights.over(below),
    });
  }

  #scaleOf({ adapter, component, place }: LayerChange): number {
    return scaleAt(this.#scales.get(adapter) ?? 1, component, place);
  }

  #sourceOf(change: LayerChange): ScaleSource {
    const { adapter, component, place } = change;
    const where = place === undefined ? component : `${component}.${place.way}.${place.block}.${place.layer}`;
    const name = `lora/${adapter}/${where}`;
    const source = this.#sources.get(name) ?? {
      name,
      feed: () => new Tensor('float32', Float32Array.of(this.#scaleOf(change)), [1]),
    };
    this.#sources.set(name, source);
    return source;
  }
}
