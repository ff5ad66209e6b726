import type { DiffusionPipeline, GenerateOptions } from '@thimble/core';
import type { TestDevice } from '../createTestPipeline.js';

/** How a plugin is put to the test. */
export interface ConformanceOptions {
  /** How far pictures with the plugin may be from those without it (values 0 to 1): the tolerance that the plugin documents. Default 0: bit for bit. */
  readonly tolerance?: number | undefined;
  /** Where the test pipelines compute. Default 'process'. With 'fake' what the plugin does to graphs and weights is not seen. */
  readonly device?: TestDevice | undefined;
  /** Names of the rules that are checked; all by default. The rules about failures and aborts take the most runs, and say as much on the fake device. */
  readonly rules?: readonly string[] | undefined;
  /** Makes a pipeline ready before the plugin comes: installs what it requires, replaces the scheduler. */
  readonly prepare?: ((pipe: DiffusionPipeline) => void | Promise<void>) | undefined;
  /** Options of the runs, in place of those of `testRun`: the more steps, say, of which a plugin makes use. `seed` and `outputType` are the suite's own. */
  readonly run?: Omit<GenerateOptions, 'seed' | 'outputType' | 'signal'> | undefined;
}
