import type { ComponentCheckpoint } from '@thimble/core/model';
import { fingerprintWeights } from './fingerprintWeights.js';

/** The fingerprint of all weights of a checkpoint, whatever files they lie in. */
export async function fingerprintCheckpoint({ tensors }: ComponentCheckpoint): Promise<string> {
  const names = [...tensors.keys()].toSorted();
  return fingerprintWeights(names.flatMap((name) => tensors.get(name) ?? []));
}
