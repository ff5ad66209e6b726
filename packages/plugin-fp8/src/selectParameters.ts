import type { Layer } from '@thimble/core/model';

/** diffusers' layers whose weights are stored in less (`_GO_LC_SUPPORTED_PYTORCH_LAYERS`). */
const CASTABLE = new Set([
  'Conv1d',
  'Conv2d',
  'Conv3d',
  'ConvTranspose1d',
  'ConvTranspose2d',
  'ConvTranspose3d',
  'Linear',
  'Embedding',
]);

/** What keeps its weights. `null` = nothing by that rule; both `null` = everything is cast. */
export interface SkipRules {
  readonly patterns: readonly RegExp[] | null;
  readonly classes: readonly string[] | null;
}

/**
 * State-dict keys of the parameters that are stored in less: those of convolutions, linear layers and embeddings, biases included, unless the layer
 * or something that it hangs on is skipped (source: diffusers hooks/layerwise_casting.py).
 */
export function selectParameters(layers: readonly Layer[], { patterns, classes }: SkipRules): readonly string[] {
  const everything = patterns === null && classes === null;
  const skips = ({ path, pythonClass }: Layer['lineage'][number]): boolean =>
    (patterns?.some((pattern) => pattern.test(path)) ?? false) || (classes?.includes(pythonClass) ?? false);
  const isCast = ({ lineage }: Layer): boolean =>
    everything || (CASTABLE.has(lineage.at(-1)?.pythonClass ?? '') && !lineage.some(skips));
  return layers.filter(isCast).flatMap(({ parameters }) => Object.values(parameters).map(({ key }) => key));
}
