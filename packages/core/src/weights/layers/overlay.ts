import type { TensorView } from '../TensorView.js';
import type { WeightStore } from '../WeightStore.js';

/** A layer that puts some weights, by key, in the place of those below: what was merged or cast. All others are those of the store below. */
export function overlay(below: WeightStore, views: ReadonlyMap<string, TensorView>): WeightStore {
  return {
    keys: () => new Set([...below.keys(), ...views.keys()]),
    find: (key) => views.get(key) ?? below.find(key),
  };
}
