import type { Field } from '../fields/Field.js';

/** What an option is read with. */
export interface OptionReading {
  readonly signal: AbortSignal;
  /** Tells of something that may not be what was meant, as a `warning` event. */
  readonly warn: (code: string, message: string) => void;
}

/** What an option's value stands for. */
export interface OptionRead {
  /** What hooks find in `run.options` in place of the value that was given. */
  readonly value: unknown;
  /** The size of the run, in pixels, where neither `width` nor `height` nor a picture to begin with says it. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
}

/** An option of a run that a plugin adds. */
export interface RunOption<T = unknown> extends Field<T> {
  /**
   * Reads what the value names, such as a picture, once it is the run's turn, and checks what it needs of the pipeline. What it throws is the run's error, as it is: bad input is a
   * `ThimbleError`. Also called where nobody gave a value.
   */
  read?(value: T, reading: OptionReading): Promise<OptionRead>;
}
