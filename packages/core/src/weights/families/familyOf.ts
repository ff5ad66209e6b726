import type { JsonObject } from '../../disk/readJsonFile.js';
import type { CheckpointWarning } from '../ComponentCheckpoint.js';
import type { CheckpointFile } from './CheckpointFile.js';
import { detectFamily } from './detectFamily.js';
import type { ModelFamily } from './ModelFamily.js';

/** Chosen by whoever opens a checkpoint. */
export interface PredictionChoice {
  /** `epsilon`, `v_prediction` or `sample`, in place of what is known of the model. */
  readonly predictionType?: string | undefined;
  readonly onWarning?: ((warning: CheckpointWarning) => void) | undefined;
}

/**
 * The family of a checkpoint, with the scheduler's config as the file has it. Where tensors do not say what the model predicts and nobody else does, the
 * family's first kind is taken, with a warning.
 *
 * @throws what {@link detectFamily} throws
 */
export function familyOf(file: CheckpointFile, { predictionType, onWarning }: PredictionChoice): ModelFamily {
  const detected = detectFamily(file);
  const { otherPrediction } = detected;
  const { vPrediction } = file.training;
  if (otherPrediction === undefined) return withTraining(detected, file);
  const isWhole = file.parts.length > 1;
  if (predictionType === undefined && !vPrediction && isWhole) onWarning?.(openPrediction(file, detected));
  const chosen = predictionType === otherPrediction.predictionType ? otherPrediction.family : detected;
  return withTraining(chosen, file);
}

function openPrediction({ path }: CheckpointFile, { title, otherPrediction }: ModelFamily): CheckpointWarning {
  const other = otherPrediction?.predictionType;
  return {
    type: 'warning',
    code: 'WARN_PREDICTION_TYPE',
    message: `"${path}" is ${title}; what it predicts cannot be seen in it, and v_prediction is taken. If pictures are noise, it predicts the other: predictionType: '${other}' (--prediction-type ${other}).`,
  };
}

function withTraining(family: ModelFamily, { training }: CheckpointFile): ModelFamily {
  const { scheduler } = family.parts;
  if (scheduler == null) return family;
  const said: JsonObject = {
    ...(training.vPrediction && { prediction_type: 'v_prediction' }),
    // Without its last timestep, which alone is all noise, such a schedule has no effect.
    ...(training.zeroTerminalSnr && { rescale_betas_zero_snr: true, timestep_spacing: 'trailing' }),
  };
  return {
    ...family,
    parts: { ...family.parts, scheduler: { ...scheduler, config: { ...scheduler.config, ...said } } },
  };
}
