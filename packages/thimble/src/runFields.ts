import { CogVideoXPipeline, StableDiffusionPipeline } from '@thimble/core';

/** The options of pipelines that make pictures, some of which have flags. */
export const pictureFields = StableDiffusionPipeline.optionFields;

/** The options of pipelines that make videos. */
export const videoFields = CogVideoXPipeline.optionFields;
