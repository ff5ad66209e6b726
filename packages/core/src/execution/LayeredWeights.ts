import type { Hooks } from '../hooks/manifest.js';
import type { Model } from '../models/Model.js';
import { ModelWeights } from '../models/ModelWeights.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { WeightStore } from '../weights/WeightStore.js';

/** A component's weights: those of its checkpoint, and on top of them the layers that taps of `transformWeights` put there. */
export class LayeredWeights {
  /** Those of the checkpoint. */
  readonly base: ModelWeights;
  readonly #component: string;
  readonly #model: Model;
  readonly #folder: string;
  readonly #hooks: Hooks;
  #made: { readonly revision: number; readonly top: WeightStore } | undefined;

  /** @throws ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE */
  constructor(component: string, model: Model, checkpoint: ComponentCheckpoint, hooks: Hooks) {
    this.base = ModelWeights.match(component, model, checkpoint);
    this.#component = component;
    this.#model = model;
    this.#folder = checkpoint.folder;
    this.#hooks = hooks;
  }

  /**
   * The store as it stands on top, made again once taps came, went or changed.
   *
   * @throws what taps throw; ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE for what they left
   */
  get top(): WeightStore {
    const { transformWeights } = this.#hooks;
    const { revision } = transformWeights;
    if (this.#made?.revision !== revision) this.#made = { revision, top: this.#stack() };
    return this.#made.top;
  }

  #stack(): WeightStore {
    const [component, model] = [this.#component, this.#model];
    const top = this.#hooks.transformWeights.call(this.base, { component, model });
    return top === this.base ? top : ModelWeights.of(component, model, (key) => top.find(key), this.#folder);
  }
}
