import {
  CogVideoXPipeline,
  Flux2KleinPipeline,
  FluxPipeline,
  LatentConsistencyModelPipeline,
  StableDiffusion3Pipeline,
  StableDiffusionPipeline,
  StableDiffusionXLPipeline,
  ZImagePipeline,
} from '@thimble/core';

const { guidanceScale } = StableDiffusionPipeline.optionFields;

/** The options of pipelines that make pictures, some of which have flags. What a model does not take, it refuses by name. */
export const pictureFields = {
  ...Flux2KleinPipeline.optionFields,
  ...FluxPipeline.optionFields,
  ...ZImagePipeline.optionFields,
  ...StableDiffusion3Pipeline.optionFields,
  ...StableDiffusionXLPipeline.optionFields,
  ...StableDiffusionPipeline.optionFields,
  originalInferenceSteps: LatentConsistencyModelPipeline.optionFields.originalInferenceSteps,
  guidanceScale: {
    ...guidanceScale,
    defaultText: `${guidanceScale.default}; ${StableDiffusionXLPipeline.optionFields.guidanceScale.default} of SDXL`,
  },
};

/** The options of pipelines that make videos. */
export const videoFields = CogVideoXPipeline.optionFields;
