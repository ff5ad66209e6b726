import type { ConfigValues } from '../../fields/Field.js';
import { type betaFields, trainedNoise } from '../numeric/betaSchedule.js';
import { allTimesteps } from '../numeric/spacedTimesteps.js';
import type { ReadSchedulerConfig, SchedulerConfig } from '../readSchedulerConfig.js';
import { SigmaScheduler } from './SigmaScheduler.js';
import { TrainedSigmas } from './TrainedSigmas.js';

type TrainedSigmaConfig = SchedulerConfig &
  ConfigValues<typeof betaFields> & { readonly rescale_betas_zero_snr?: boolean };

/** A {@link SigmaScheduler} whose noise levels are those that the model was trained with, by β. */
export abstract class TrainedSigmaScheduler<C extends TrainedSigmaConfig> extends SigmaScheduler<C> {
  /** β of each training timestep. */
  readonly betas: Float32Array;
  /** ᾱ of each training timestep. */
  readonly alphasCumprod: Float32Array;
  /** Noise over image of each training timestep, σ / √ᾱ. */
  protected readonly trained: TrainedSigmas;

  protected constructor(read: ReadSchedulerConfig<C>) {
    const { betas, alphasCumprod } = trainedNoise(read.config);
    const trained = TrainedSigmas.of(alphasCumprod, read.config);
    super(read, { timesteps: allTimesteps(read.config), sigmas: [...trained.falling, 0] });
    this.betas = betas;
    this.alphasCumprod = trained.alphasCumprod;
    this.trained = trained;
  }
}
