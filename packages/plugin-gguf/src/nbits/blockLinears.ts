import { nominalShapes } from '@thimble/core/model';
import { type ComponentHandle, type TensorView } from '@thimble/core/plugin';
import { type COMPUTE_TYPES } from '../GgufOptions.js';
import { linearWeight } from './linearWeight.js';
import { nBitsFormatOf } from './nBitsRecipe.js';

/** The linear layers of a component whose weights lie in blocks of one type. */
export interface BlockLinears {
  /** Such as `Q4_K`. */
  readonly dtype: string;
  readonly layers: number;
  /** Of their weights, as they are stored. */
  readonly bytes: number;
  /** How they can be computed: the values that `computeType` of a `GgufPlugin` may have for them. */
  readonly computeTypes: readonly (typeof COMPUTE_TYPES)[number][];
  /** Whether `matmul_nbits` multiplies with the same numbers; else they differ by rounding. */
  readonly exact: boolean;
}

/** What a component's linear layers are that have weights in blocks, and which way each can take, by their types. */
export function blockLinears(component: Pick<ComponentHandle, 'model' | 'graph' | 'weights'>): readonly BlockLinears[] {
  const found = new Map<string, BlockLinears>();
  for (const view of linearViews(component).values()) {
    if (view.blockBytes === undefined) continue;
    const format = nBitsFormatOf(view);
    const before = found.get(`${view.dtype} ${format !== undefined}`);
    found.set(`${view.dtype} ${format !== undefined}`, {
      dtype: view.dtype,
      layers: (before?.layers ?? 0) + 1,
      bytes: (before?.bytes ?? 0) + view.byteLength,
      computeTypes: format === undefined ? ['dequantize'] : ['dequantize', 'matmul_nbits'],
      exact: format?.exact ?? false,
    });
  }
  return [...found.values()];
}

/** Keys of the matrices with which a component's linear layers multiply, and that can be laid out for `MatMulNBits`. */
export function nBitsKeys(component: Pick<ComponentHandle, 'model' | 'graph' | 'weights'>): readonly string[] {
  return [...linearViews(component)].flatMap(([key, view]) => (nBitsFormatOf(view) === undefined ? [] : [key]));
}

function linearViews(component: Pick<ComponentHandle, 'model' | 'graph' | 'weights'>): ReadonlyMap<string, TensorView> {
  const views = new Map<string, TensorView>();
  for (const [name, entry] of Object.entries(component.model.entries)) {
    const traced = component.graph(name, nominalShapes(entry));
    const byName = new Map(traced.weights.map((weight) => [weight.name, weight]));
    for (const node of traced.nodes) {
      const key = linearWeight(node, byName)?.key;
      const view = key === undefined ? undefined : component.weights.find(key);
      if (key !== undefined && view !== undefined) views.set(key, view);
    }
  }
  return views;
}
