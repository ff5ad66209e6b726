import type { DiffusionPipeline } from '@thimble/core';
import type { JsonSchema } from '@thimble/core/model';
import { optionsSchema } from '@thimble/core/plugin';

/** What is known of a model once it was open. */
export interface ModelFacts {
  /** The JSON schema of the options that its runs take. */
  readonly options: JsonSchema;
  /** What they take where nothing is said. */
  readonly defaults: Readonly<Record<string, string | number | boolean>>;
  /** Bytes; absent for a model without a limit. */
  readonly memoryLimit?: number;
}

/** What there is to know of a model that is open. */
export function factsOf({ optionFields, defaults, memoryLimit }: DiffusionPipeline): ModelFacts {
  const plain = Object.entries(defaults).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  return {
    options: optionsSchema(optionFields),
    defaults: Object.fromEntries(plain) as ModelFacts['defaults'],
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
  };
}
