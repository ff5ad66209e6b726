import type { Component } from './Component.js';

/** Something that takes a component's place by making another one of it: a traced model. */
export interface Attachable {
  /** The component that stands in for `component` from now on. */
  attachTo(component: Component): Component;
}

/** What is in the place of `present` once `replacement` is put there: itself, or what it makes of `present`. */
export function standIn(replacement: Component | Attachable, present: Component): Component {
  return 'attachTo' in replacement ? replacement.attachTo(present) : replacement;
}

/** Gives each name of a pipeline's components a setter, so that `pipe.components.unet = traced` puts {@link standIn} there. In place, and given back. */
export function componentRecord(components: Record<string, Component>): Record<string, Component> {
  for (const [name, component] of Object.entries(components)) {
    let present = component;
    Object.defineProperty(components, name, {
      enumerable: true,
      configurable: true,
      get: () => present,
      set: (replacement: Component | Attachable) => {
        present = standIn(replacement, present);
      },
    });
  }
  return components;
}
