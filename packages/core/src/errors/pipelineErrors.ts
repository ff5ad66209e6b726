import type { ErrorDefinitions } from './ErrorDefinition.js';
import { describeValue } from './describeValue.js';

/** Failures of pipelines, and bad arguments anywhere. */
export const pipelineErrors = {
  ERR_COMPONENT_MISSING: {
    summary: 'A run needs a component that the pipeline does not have.',
    message: (d: { component: string; folder: string; available: readonly string[] }): string =>
      `This needs the component "${d.component}", which was not loaded from "${d.folder}"; loaded: ${d.available.join(', ') || 'none'}.${/tokenizer/.test(d.component) ? ` Files of weights have none: name its folder, components: { ${d.component}: 'FOLDER' } (--component ${d.component}=FOLDER).` : ''}`,
  },
  ERR_COMPONENT_UNSUPPORTED: {
    summary: 'A checkpoint holds a component of a class that thimble does not know.',
    message: (d: { component: string; className: string; supported: readonly string[] }): string =>
      `Component "${d.component}" is a ${d.className}, which is not supported; supported: ${d.supported.join(', ')}. ` +
      'Name the components you need with the option components.',
  },
  ERR_PIPELINE_UNSUPPORTED: {
    summary: 'A checkpoint asks for a pipeline class that thimble does not know.',
    message: (d: { className: string; supported: readonly string[] }): string =>
      `The checkpoint is a ${d.className}, which is not supported; supported: ${d.supported.join(', ')}.`,
  },
  ERR_GENERATE_UNSUPPORTED: {
    summary: 'A pipeline with a single model cannot generate.',
    message: (d: { className: string; folder: string }): string =>
      `"${d.folder}" holds a single ${d.className}: call the component, as in pipe.components; to generate, open a whole checkpoint with model_index.json.`,
  },
  ERR_LATENTS_NAN: {
    summary: 'Latents contain NaN or infinity.',
    message: (d: { where: string }): string =>
      `The latents contain NaN or infinite values ${d.where}. If they came from a model, its weights may be damaged, or not fit its config.`,
  },
  ERR_ARGUMENT_INVALID: {
    summary: 'An argument of a public call has a wrong type, shape or value.',
    message: (d: {
      argument: string;
      value: unknown;
      expected: string;
      /** Where `value` is the name of an option that there is not: whose, and which one may have been meant. */
      unknown?: { readonly of?: string; readonly nearest?: string };
    }): string =>
      d.unknown === undefined
        ? `"${d.argument}" is ${describeValue(d.value)}; expected ${d.expected}.`
        : `unknown option ${describeValue(d.value)}${d.unknown.of === undefined ? '' : ` of ${d.unknown.of}`}; ` +
          (d.unknown.nearest === undefined
            ? `expected ${d.expected}.`
            : `did you mean ${describeValue(d.unknown.nearest)}?`),
  },
  ERR_REQUEST_TOO_LARGE: {
    summary: 'A run is larger than the pipeline allows.',
    message: (d: {
      argument: string;
      value: number | string;
      largest: number | string;
      limit: string;
      most: number;
    }): string =>
      `"${d.argument}" is ${d.value}; the largest that the pipeline allows is ${d.largest} (${d.limit}: ${d.most}). Pass a larger ${d.limit} to fromPretrained if it should allow more.`,
  },
  ERR_QUEUE_FULL: {
    summary: 'As many runs wait for their turn as the pipeline allows.',
    message: (d: { pending: number; maxQueue: number }): string =>
      `${d.pending} runs wait for their turn, and the pipeline allows ${d.maxQueue} (maxQueue). Try again later.`,
  },
  ERR_READER_TIMEOUT: {
    summary: "A stream's reader did not come back while other runs waited, so its run was ended.",
    message: (d: { milliseconds: number }): string =>
      `The run was ended: its stream was not read for ${d.milliseconds} ms while other runs waited. Read on faster, or pass a larger readerTimeout to fromPretrained.`,
  },
  ERR_PIPELINE_BUSY: {
    summary: 'The pipeline cannot be changed at this moment.',
    message: (d: { action: string; during: string }): string =>
      `cannot ${d.action} during ${d.during}; wait for it to end, then try again.`,
  },
  ERR_DISPOSED: {
    summary: 'An object was used after it was disposed.',
    message: (d: { object: string }): string => `${d.object} is disposed; create a new one.`,
  },
} as const satisfies ErrorDefinitions;
