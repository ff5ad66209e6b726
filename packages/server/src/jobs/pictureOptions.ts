import * as core from '@thimble/core';
import type { Fields } from '@thimble/core/model';
import { isPictureField } from './isPictureField.js';

/** The options of all pipelines of core that make pictures, before a model is open. What one of them does not take, it refuses by name. */
export const pictureOptions: Fields = Object.assign({}, ...tables()) as Fields;

/** Whether an option is a picture: one of core's, or by its name one that a plugin adds, such as `controlImage`. */
export function isPictureOption(name: string): boolean {
  const field = Object.hasOwn(pictureOptions, name) ? pictureOptions[name] : undefined;
  return field === undefined ? name.endsWith('Image') : isPictureField(field);
}

function tables(): Fields[] {
  const found = Object.values(core).flatMap((value: unknown) => {
    const { optionFields } = (value ?? {}) as { readonly optionFields?: Fields };
    return optionFields === undefined || 'numFrames' in optionFields ? [] : [optionFields];
  });
  // Stable Diffusion's bounds, where another one's differ, are the widest.
  return [...found, core.StableDiffusionPipeline.optionFields];
}
