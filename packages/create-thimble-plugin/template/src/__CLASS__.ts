import type { Plugin } from '@thimble/core';
import type { PluginContext } from '@thimble/core/plugin';

/** What a step took. */
export interface StepTime {
  /** From 0. */
  readonly index: number;
  readonly milliseconds: number;
}

/** Options of a {@link __CLASS__}. */
export interface __CLASS__Options {
  /** Told after each step. */
  readonly onStep: (time: StepTime) => void;
}

/** Times the steps of a run. */
export class __CLASS__ implements Plugin {
  readonly name = '__NAME__';
  readonly engines = { thimble: '__RANGE__' };
  /** One instance may be in several pipelines: it keeps no state outside `apply`. */
  readonly multiple = true;
  readonly #onStep: (time: StepTime) => void;

  constructor({ onStep }: __CLASS__Options) {
    this.#onStep = onStep;
  }

  apply({ hooks }: PluginContext): void {
    // What belongs to one run is kept in run.state, so that it ends with the run.
    const started = Symbol(this.name);
    hooks.beforeStep.tap(this.name, ({ run }) => {
      run.state.set(started, performance.now());
    });
    hooks.afterStep.tap(this.name, ({ index, run }) => {
      this.#onStep({ index, milliseconds: performance.now() - Number(run.state.get(started)) });
    });
  }
}
