import type { Tensor } from 'onnxruntime-common';
import { mapTensor, weightedSum } from './tensors.js';

/** What the model was trained to predict: the noise, the image, or v = √ᾱ · noise - √(1 - ᾱ) · image. */
export type PredictionType = 'epsilon' | 'sample' | 'v_prediction';

/** All of them, the default first. */
export const PREDICTION_TYPES: readonly PredictionType[] = ['epsilon', 'sample', 'v_prediction'];

/**
 * The image that the model sees in `sample`, a mixture of image and noise with weights √ᾱ and √(1 - ᾱ).
 *
 * @param alphaProdT ᾱ
 *
 * Source: J. Song et al., "Denoising Diffusion Implicit Models", 2020, eq. 12; T. Salimans, J. Ho, "Progressive Distillation", 2022, app. D.
 */
export function predictOriginalSample(
  predictionType: PredictionType,
  modelOutput: Tensor,
  sample: Tensor,
  alphaProdT: number,
): Tensor {
  const rootAlpha = Math.sqrt(alphaProdT);
  const rootBeta = Math.sqrt(1 - alphaProdT);
  switch (predictionType) {
    case 'epsilon': {
      const scaled = weightedSum([1, sample], [-rootBeta, modelOutput]);
      return mapTensor(scaled, (x) => x / rootAlpha);
    }
    case 'sample':
      return modelOutput;
    case 'v_prediction':
      return weightedSum([rootAlpha, sample], [-rootBeta, modelOutput]);
  }
}
