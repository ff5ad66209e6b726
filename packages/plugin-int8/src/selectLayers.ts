import { nominalShapes } from '@thimble/core/model';
import { type ComponentHandle } from '@thimble/core/plugin';
import { type Int8Layer, nameOfLayer } from './Int8Layer.js';
import { int8SiteOf } from './passes/Int8Site.js';

/**
 * The layers of a component that can be computed in int8 and are not kept: linear layers and two-dimensional convolutions, as its entry points use them. A
 * layer whose outputs are used in parts, as a gate's, is one for each.
 */
export function selectLayers(
  component: Pick<ComponentHandle, 'model' | 'graph'>,
  keep: readonly RegExp[],
): readonly Int8Layer[] {
  const { model } = component;
  const found = new Map<string, Int8Layer>();
  for (const [name, entry] of Object.entries(model.entries)) {
    const whole = component.graph(name, nominalShapes(entry));
    const weights = new Map(whole.weights.map((weight) => [weight.name, weight]));
    for (const node of whole.nodes) {
      const site = int8SiteOf(whole, node, weights);
      if (site !== undefined && !keep.some((pattern) => pattern.test(pathOf(site.weight))))
        found.set(nameOfLayer(site.weight), site.weight);
    }
  }
  return [...found.values()];
}

/** Dotted name of the layer that a parameter belongs to. */
function pathOf({ key }: Int8Layer): string {
  return key.slice(0, key.lastIndexOf('.'));
}
