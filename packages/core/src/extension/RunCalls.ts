/** What is known of a pipeline's calls before a run begins: what planners count by. */
export interface RunCalls {
  /** The guidance scale above which the denoiser looks at each picture twice; `Infinity` where no scale makes it do so. */
  readonly guidedAbove: number;
  /** Whether these are two calls, which read the weights twice, and not one of twice as many samples. */
  readonly apart: boolean;
  /** The outputs of a text encoder that a run reads; `undefined`: those of its entry point. Only the layers below them run. */
  readonly encoderOutputs: (name: string) => readonly string[] | undefined;
}

/** Of a pipeline that says nothing else. */
export const plainCalls: RunCalls = { guidedAbove: 1, apart: false, encoderOutputs: () => undefined };
