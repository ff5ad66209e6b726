import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { Model } from '../models/Model.js';

/** By what a component is told from others: two may have one model, and one may stand in for another of its name. */
export type ComponentKey = Pick<ComponentHandle, 'name' | 'model'>;

/** Values by component; a component that stands in for another, such as a traced one, has the value of that. */
export class ComponentMap<T> {
  readonly #byModel = new Map<Model, Map<string, T>>();

  get({ name, model }: ComponentKey): T | undefined {
    return this.#byModel.get(model)?.get(name);
  }

  set({ name, model }: ComponentKey, value: T): void {
    const byName = this.#byModel.get(model) ?? new Map<string, T>();
    this.#byModel.set(model, byName.set(name, value));
  }

  delete({ name, model }: ComponentKey): void {
    this.#byModel.get(model)?.delete(name);
  }

  clear(): void {
    this.#byModel.clear();
  }

  values(): readonly T[] {
    return [...this.#byModel.values()].flatMap((byName) => [...byName.values()]);
  }
}

/** Which of `components` a hook is called for. */
export function findComponent<C extends ComponentKey>(
  components: readonly C[],
  { component, model }: { readonly component: string; readonly model: Model },
): C | undefined {
  return components.find((each) => each.name === component && each.model === model);
}
