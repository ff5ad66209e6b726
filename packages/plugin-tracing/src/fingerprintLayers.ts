import { createHash } from 'node:crypto';
import { type Component } from '@thimble/core';

/** A hash of which tensor of its checkpoint each parameter of a component is, under the plugins of now; the same wherever the checkpoint lies. */
export function fingerprintLayers({ weights, checkpoint }: Pick<Component, 'weights' | 'checkpoint'>): string {
  const hash = createHash('sha256');
  for (const key of [...weights.keys()].toSorted()) {
    const view = weights.find(key);
    const start = checkpoint.tensors.get(view?.name ?? '')?.offset ?? 0;
    hash.update(
      JSON.stringify([
        key,
        view && [view.name, view.dtype, view.shape, view.offset - start, view.transposed, view.scale?.name],
      ]),
    );
  }
  return hash.digest('hex');
}
