import { type Plugin } from '@thimble/core';
import { type OptionsOf } from '@thimble/core/model';
import {
  type ComponentHandle,
  componentNamesField,
  type ModelCall,
  type PluginContext,
  type PluginHostPipeline,
  readOptions,
  Stage,
} from '@thimble/core/plugin';

const FIELDS = {
  /** Names of components that are never moved: `['text_encoder']`. */
  keep: componentNamesField(),
  /** The order in which components are called, as a hint: while one runs, the next one's weights are read into the page cache. */
  order: componentNamesField(),
};

/** Options of a {@link ModelOffloadPlugin}. */
export type ModelOffloadOptions = OptionsOf<typeof FIELDS>;

/**
 * Keeps at most one component on the device: the one that is called. It stays until another one is called, so the UNet is loaded once
 * for all steps; after a run, also a failed or aborted one, everything is freed. Which one has to go is decided at each call, so any order
 * of calls works; a component that is called while another one computes waits for it.
 *
 * Mirrors diffusers' `enable_model_cpu_offload`.
 */
export class ModelOffloadPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:model-offload';
  readonly engines = { thimble: '^0.2.0' };
  readonly claims = ['residency'] as const;
  readonly multiple = true;
  readonly #keep: ReadonlySet<string>;
  readonly #order: readonly string[];

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option that is no list of names */
  constructor(options: ModelOffloadOptions = {}) {
    const { keep, order = [] } = readOptions(options, FIELDS, 'ModelOffloadPlugin');
    this.#keep = new Set(keep);
    this.#order = order;
  }

  async apply({ hooks, pipeline }: PluginContext): Promise<void> {
    const unload = async (call?: ModelCall): Promise<void> => this.#unload(pipeline, call);
    hooks.beforeModelCall.tap({ name: this.name, stage: Stage.Early }, unload);
    // What other plugins called meanwhile, such as a model that feeds this one, has to go again; of a model that they call in parts, before each.
    hooks.beforeModelCall.tap({ name: this.name, stage: Stage.Late }, async (call) => {
      await unload(call);
      if (call.entry !== 'call') return;
      call.wrap((next) => async (inputs) => {
        await unload(call);
        return next(inputs);
      });
    });
    hooks.afterModelCall.tap(this.name, (call) => this.#readAhead(pipeline, call));
    hooks.afterRun.tap({ name: this.name, stage: Stage.Late }, async () => {
      await unload();
      await pipeline.trim();
    });
    await unload();
    await pipeline.trim();
  }

  /** All but the one that is called. One whose call is computed goes when that ends, which the call waits for. */
  async #unload({ components }: PluginHostPipeline, call?: ModelCall): Promise<void> {
    for (const component of Object.values(components)) {
      if (component !== call?.handle && !this.#keep.has(component.name)) await component.unload(call?.signal);
    }
  }

  #readAhead({ components }: PluginHostPipeline, { component }: ModelCall): void {
    const next = components[this.#order[this.#order.indexOf(component) + 1] ?? ''];
    if (!this.#order.includes(component) || next === undefined || next.loaded) return;
    void readAll(next);
  }
}

/** A hint may fail: the weights are read when they are needed. */
async function readAll({ segments }: ComponentHandle): Promise<void> {
  try {
    for (const segment of segments) await segment.prefetch();
  } catch {
    return;
  }
}
