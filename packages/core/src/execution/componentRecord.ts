import type { PipelineComponent } from './PipelineComponent.js';

/** Something that takes a component's place by making another one of it: a traced model. */
export interface Attachable {
  /** The component that stands in for `component` from now on. */
  attachTo(component: PipelineComponent): PipelineComponent;
}

/** The components of a pipeline, by name. What is put in a component's place and can be attached to it is. */
export function componentRecord(): Record<string, PipelineComponent> {
  return new Proxy<Record<string, PipelineComponent>>(
    {},
    {
      set: (components, name, value: PipelineComponent | Attachable) => {
        const present = Reflect.get(components, name) as PipelineComponent | undefined;
        return Reflect.set(
          components,
          name,
          present !== undefined && 'attachTo' in value ? value.attachTo(present) : value,
        );
      },
    },
  );
}
