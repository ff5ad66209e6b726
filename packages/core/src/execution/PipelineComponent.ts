import { Component } from './Component.js';

/** What a pipeline calls components: a {@link Component}, or what has all that is public of one and can stand in its place. */
export type PipelineComponent = Pick<Component, keyof Component>;

/** Makes one of its parts. */
export const PipelineComponent = Component;
