import type { Model } from '@thimble/core/model';
import { type OriginalLayout, originalLayouts } from '@thimble/core/plugin';

/** A layer of a model, or some rows of what it is called by: a query in a fused projection. */
export interface NamedLayer {
  /** State-dict key of its weight. */
  readonly key: string;
  readonly shape: readonly number[];
  /** First row among those that the name stands for. */
  readonly start: number;
  /** Set where the halves of its rows lie the other way round by that name. */
  readonly swapped?: true;
}

/** Layers that multiply with their weight. */
const CHANGEABLE = /^(?:Linear|Conv\dd|LoRACompatible\w+)$/;

const tables = new WeakMap<Model, ReadonlyMap<string, readonly NamedLayer[]>>();

/**
 * What the layers of a model are called in files: by diffusers, by the authors' repositories, and both with `_` for every dot, as kohya's scripts have it. A name of a
 * fused layer stands for several.
 */
export function layerNames(model: Model): ReadonlyMap<string, readonly NamedLayer[]> {
  const known = tables.get(model);
  if (known !== undefined) return known;
  const names = new Map<string, readonly NamedLayer[]>();
  const add = (name: string, layers: readonly NamedLayer[]): void => {
    for (const each of [name, name.replaceAll('.', '_')]) if (!names.has(each)) names.set(each, layers);
  };
  const layers = changeableLayers(model);
  for (const [path, layer] of layers) {
    add(path, [layer]);
    // transformers 5 writes text encoders without it.
    if (path.startsWith('text_model.')) add(path.slice('text_model.'.length), [layer]);
  }
  const shapes = new Map(model.parameters.map(({ key, shape }) => [key, shape]));
  for (const layout of originalLayouts(shapes))
    for (const [name, parts] of originalNames(layout, layers)) add(name, parts);
  tables.set(model, names);
  return names;
}

function changeableLayers(model: Model): ReadonlyMap<string, NamedLayer> {
  return new Map(
    model.listLayers().flatMap(({ lineage, parameters }) => {
      const { path = '', pythonClass = '' } = lineage.at(-1) ?? {};
      const { weight } = parameters;
      return weight === undefined || !CHANGEABLE.test(pythonClass)
        ? []
        : [[path, { key: weight.key, shape: weight.shape, start: 0 }] as const];
    }),
  );
}

/** The same by the names of a layout. What lies transposed there is left out. */
function originalNames(
  layout: OriginalLayout,
  layers: ReadonlyMap<string, NamedLayer>,
): ReadonlyMap<string, readonly NamedLayer[]> {
  const byKey = new Map(Array.from(layers.values(), (layer) => [layer.key, layer]));
  const names = new Map<string, NamedLayer[]>();
  for (const [key, source] of layout) {
    const layer = byKey.get(key);
    if (layer === undefined || source.transposed === true) continue;
    const name = source.key.replace(/[._]weight$/, '');
    names.set(name, [
      ...(names.get(name) ?? []),
      { ...layer, start: source.rows?.[0] ?? 0, ...(source.swapped && { swapped: true }) },
    ]);
  }
  return names;
}
