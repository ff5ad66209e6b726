import { checkMembers } from '../fields/checkMembers.js';
import { refuseOption } from '../fields/refuseOption.js';
import { createHash } from 'node:crypto';
import { identityOf, type TensorView } from './TensorView.js';

/**
 * Where weights are found, by the keys of a model's state dict. The lowest store of a component is its checkpoint; layers (`weights/layers/`) wrap one store in
 * another: they rename and cut, and put other weights on top.
 */
export interface WeightStore {
  /** The keys that {@link WeightStore.find} knows. */
  keys(): Iterable<string>;
  find(key: string): TensorView | undefined;
}

/** The store of views by key. */
export function storeOf(views: ReadonlyMap<string, TensorView>): WeightStore {
  return { keys: () => views.keys(), find: (key) => views.get(key) };
}

const known = new WeakMap<WeightStore, string>();

/** A digest of which views a store holds: equal for two stores in which everything lies in the same place. Reads no data. Remembered for each store. */
export function contentsOf(store: WeightStore): string {
  checkMembers('store', store, 'a store of weights', ['keys', 'find']);
  if (ArrayBuffer.isView(store)) refuseOption('store', store, 'a store of weights');
  const remembered = known.get(store);
  if (remembered !== undefined) return remembered;
  const hash = createHash('sha256');
  for (const key of [...store.keys()].toSorted()) {
    const view = store.find(key);
    hash.update(JSON.stringify([key, view === undefined ? null : identityOf(view, (file) => file)]));
  }
  const digest = hash.digest('hex');
  known.set(store, digest);
  return digest;
}
