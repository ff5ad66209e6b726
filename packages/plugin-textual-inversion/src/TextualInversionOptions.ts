import { type FieldValues, optional, type OptionsOf, required, textField } from '@thimble/core/model';
import { readOptions, refuseOption } from '@thimble/core/plugin';

/** The options of one textual inversion. */
export const textualInversionFields = {
  /** A safetensors file of diffusers, of AUTOMATIC1111, or for SDXL. */
  file: required(textField('', 'the path of a safetensors file', 1)),
  /** What it is called in prompts. Default: what a file of diffusers says; of the others the file's name. */
  token: optional(textField('', 'a text without white space around it', 1)),
};

/** Options of one textual inversion. */
export type TextualInversionOptions = OptionsOf<typeof textualInversionFields>;

/** The same, checked. */
export type TextualInversionSettings = FieldValues<typeof textualInversionFields>;

/** @throws ERR_ARGUMENT_INVALID for what is neither a textual inversion nor a list of them */
export function checkInversions(
  given: TextualInversionOptions | readonly TextualInversionOptions[],
): readonly TextualInversionSettings[] {
  const list: readonly TextualInversionOptions[] = isList(given) ? given : [given];
  if (list.length === 0) refuseOption('inversions', given, 'a textual inversion, or a list of them');
  return list.map((one) => readOptions(one, textualInversionFields, 'TextualInversionPlugin'));
}

function isList<T>(given: T | readonly T[]): given is readonly T[] {
  return Array.isArray(given);
}
