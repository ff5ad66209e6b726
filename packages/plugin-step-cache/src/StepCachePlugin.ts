import { type Plugin } from '@thimble/core';
import { type Field, integerField, numberField, optional, type OptionsOf } from '@thimble/core/model';
import {
  chooseComponents,
  componentNamesField,
  type ComponentHandle,
  DENOISER,
  type NamedTensors,
  type PluginContext,
  readOptions,
  refuseOption,
  type RunContext,
} from '@thimble/core/plugin';
import { planReuse } from './planReuse.js';
import { type Reuse, RunCache } from './RunCache.js';

/** diffusers' threshold for first-block caching. */
const DEFAULT_THRESHOLD = 0.05;
const DEFAULT_INTERVAL = 4;

const FIELDS = {
  /** Every how many steps everything is computed, counted from the last step, and in the first. Default 4 for a UNet; for a transformer as often as `threshold` asks for it. 1 computes all of it always. */
  interval: optional(integerField(DEFAULT_INTERVAL, 1)) satisfies Field<number | undefined>,
  /** How many layers are computed in every step: of a UNet those at the end of its way up, of a transformer its first blocks. Default 1. The more, the closer and the slower. */
  depth: integerField(1, 1),
  /**
   * For transformers: by what share of itself that which the first blocks change may have changed since everything was computed; beyond it everything is computed. Default 0.05, and no
   * bound where an `interval` is given alone.
   */
  threshold: optional(numberField(DEFAULT_THRESHOLD, 0)) satisfies Field<number | undefined>,
  /** 0: what is passed over is taken to be as it was. 1: it is taken to go on as it went between the last two steps that were computed whole. Default 1 for a UNet, 0 for a transformer. */
  order: optional(integerField(1, 0, 1)) satisfies Field<number | undefined>,
  /** Names of the components that are treated so; by default those that denoise. */
  components: componentNamesField(),
};

/** Options of a {@link StepCachePlugin}. */
export type StepCacheOptions = OptionsOf<typeof FIELDS>;

/**
 * Computes some denoising steps in part: what deep layers gave in steps before changes little from one to the next, and is used again. Lossy: pictures are others than without it.
 *
 * Of a UNet the shallow layers at both ends are computed in every step (source: X. Ma et al., "DeepCache", 2023, arXiv 2312.00858). Of a transformer its first blocks are, and what all
 * further ones add is used again as long as the first ones do much the same as before (source: diffusers hooks/first_block_cache.py, `FirstBlockCacheConfig`). What is kept lives as
 * long as the run: two hidden states for each half of guidance, 5 MB each for Stable Diffusion 1.5 at 512×512; of a transformer two to five times its picture tokens.
 */
export class StepCachePlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:step-cache';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly quality = 'lossy';
  readonly #options: ReturnType<typeof readOptions<typeof FIELDS>>;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option out of range */
  constructor(options: StepCacheOptions = {}) {
    this.#options = readOptions(options, FIELDS, 'StepCachePlugin');
  }

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for a depth that leaves nothing to pass over, and for a `threshold` on a UNet */
  apply({ hooks, pipeline }: PluginContext): void {
    const state = Symbol(this.name);
    const cacheOf = (run: RunContext | undefined): RunCache | undefined =>
      run?.state.get(state) as RunCache | undefined;
    const reuses = new WeakMap<ComponentHandle, { readonly reuse: Reuse | undefined }>();
    const reuseOf = (handle: ComponentHandle): Reuse | undefined => {
      const known = reuses.get(handle) ?? { reuse: this.#reuseOf(handle) };
      reuses.set(handle, known);
      return known.reuse;
    };
    const chosen = (): readonly ComponentHandle[] => chooseComponents(pipeline, this.#options.components, DENOISER);

    chosen().forEach(reuseOf);
    hooks.beforeRun.tap(this.name, (run) => {
      chosen().forEach(reuseOf);
      run.state.set(state, new RunCache(run.steps));
    });
    hooks.beforeStep.tap(this.name, ({ index, run }) => {
      const cache = cacheOf(run);
      if (cache !== undefined) cache.step = index;
    });
    hooks.beforeModelCall.tap(this.name, ({ component, handle, entry, run, wrap }) => {
      const cache = cacheOf(run);
      if (cache === undefined || entry !== 'call' || !chosen().includes(handle)) return;
      const reuse = reuseOf(handle);
      if (reuse === undefined) return;
      wrap((next) => async (inputs: NamedTensors) => {
        cache.begin(handle, inputs, reuse);
        try {
          return await next(inputs);
        } finally {
          await cache.end(component);
        }
      });
    });
    hooks.beforeSegment.tap(this.name, async (call) => cacheOf(call.run)?.running(call.component)?.beforeSegment(call));
    hooks.afterSegment.tap(this.name, async (call) => cacheOf(call.run)?.running(call.component)?.afterSegment(call));
  }

  /** @throws ThimbleError ERR_ARGUMENT_INVALID */
  #reuseOf(handle: ComponentHandle): Reuse | undefined {
    const { depth, interval, threshold, order } = this.#options;
    const plan = planReuse(handle, depth);
    if (plan === undefined) return undefined;
    if (plan.head !== undefined)
      return {
        plan,
        rule: {
          order: order ?? 0,
          interval: interval ?? Infinity,
          threshold: threshold ?? (interval === undefined ? DEFAULT_THRESHOLD : Infinity),
        },
      };
    if (threshold !== undefined)
      refuseOption(
        'threshold',
        threshold,
        `nothing for a UNet such as ${handle.name}: an interval says how often it is computed whole`,
      );
    return { plan, rule: { order: order ?? 1, interval: interval ?? DEFAULT_INTERVAL, threshold: Infinity } };
  }
}
