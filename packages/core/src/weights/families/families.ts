import { fluxFamilies } from './flux.js';
import { flux2KleinFamilies } from './flux2Klein.js';
import type { ModelFamily } from './ModelFamily.js';
import { stableDiffusionFamilies } from './stableDiffusion.js';
import { stableDiffusion3Families } from './stableDiffusion3.js';
import { zImageFamilies } from './zImage.js';

/** Every family whose checkpoints are known by their tensors: a new one takes one line here. */
export const families: readonly ModelFamily[] = [
  ...stableDiffusionFamilies,
  ...stableDiffusion3Families,
  ...fluxFamilies,
  ...zImageFamilies,
  ...flux2KleinFamilies,
];

/** The family of that name, those of another prediction type included. */
export function familyNamed(name: string): ModelFamily | undefined {
  const all = families.flatMap((family) => [
    family,
    ...(family.otherPrediction ? [family.otherPrediction.family] : []),
  ]);
  return all.find((family) => family.name === name);
}
