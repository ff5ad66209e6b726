import { refuseOption } from '../fields/refuseOption.js';
import type { Component } from './Component.js';

/** Something that takes a component's place by making another one of it: a traced model. */
export interface Attachable {
  /** The component that stands in for `component` from now on. */
  attachTo(component: Component): Component;
}

/** What is in the place of `present` once `replacement` is put there: itself, or what it makes of `present`. @throws ERR_ARGUMENT_INVALID for what is neither */
export function standIn(replacement: Component | Attachable, present: Component): Component {
  if (
    typeof replacement !== 'object' ||
    replacement === null ||
    !('attachTo' in replacement || 'checkpoint' in replacement)
  )
    refuseOption('replacement', replacement, 'a component, or what attaches to one, such as a traced model');
  return 'attachTo' in replacement ? replacement.attachTo(present) : replacement;
}

/** Adds a component, with a setter at its name, so that `pipe.components.unet = traced` puts {@link standIn} there. */
export function addComponent(components: Record<string, Component>, name: string, component: Component): void {
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

/** Gives each name of a pipeline's components a setter, as {@link addComponent} does. In place, and given back. */
export function componentRecord(components: Record<string, Component>): Record<string, Component> {
  for (const [name, component] of Object.entries(components)) addComponent(components, name, component);
  return components;
}
