import { pictureOptions } from '../jobs/pictureOptions.js';

/** What other programs call options. */
const ALIASES: Readonly<Record<string, string>> = {
  steps: 'numInferenceSteps',
  cfg_scale: 'guidanceScale',
  n: 'numImagesPerPrompt',
  mask: 'maskImage',
};

/** The option that a name of a request means: an alias, or diffusers' name as Python or as thimble writes it. */
export function optionOfName(name: string): string {
  if (Object.hasOwn(ALIASES, name)) return ALIASES[name] as string;
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** As requests name an option: `negative_prompt`, and `prompt_2` of `prompt2`. */
export function nameOfOption(option: string): string {
  return option.replaceAll(/[A-Z]|\d+$/g, (part) => `_${part.toLowerCase()}`);
}

/** JSON schemas of the options that requests may set, by all the names that they go by. */
export function optionProperties(): Record<string, unknown> {
  const own = Object.entries(pictureOptions).flatMap(([option, { schema, description }]) => {
    if (schema === undefined || ['outputType', 'previews'].includes(option)) return [];
    const property = { ...schema, ...(description === undefined ? {} : { description }) };
    const aliases = Object.keys(ALIASES).filter((alias) => ALIASES[alias] === option);
    return [nameOfOption(option), ...aliases].map((name) => [name, property] as const);
  });
  return Object.fromEntries(own);
}
