import { describeValue } from './describeValue.js';
import type { ErrorDefinitions } from './ErrorDefinition.js';

/** Failures of models, their configs and their calls. */
export const modelErrors = {
  ERR_CONFIG_UNSUPPORTED: {
    summary: "A component's config asks for something that thimble does not implement.",
    message: (d: { component: string; field: string; value: unknown; supported: string }): string =>
      `${d.component}: config field "${d.field}" is ${describeValue(d.value)}, which is not supported; supported: ${d.supported}.`,
  },
  ERR_CONFIG_INVALID: {
    summary: 'A config field has a value of the wrong type or out of range.',
    message: (d: { component: string; field: string; value: unknown; expected: string }): string =>
      `${d.component}: config field "${d.field}" is ${describeValue(d.value)}; expected ${d.expected}.`,
  },
  ERR_WEIGHT_MISSING: {
    summary: 'A checkpoint lacks a tensor that its config asks for.',
    message: (d: { component: string; key: string; folder: string; missing: number }): string =>
      `${d.component}: the checkpoint in "${d.folder}" has no tensor "${d.key}"${d.missing > 1 ? ` (and ${d.missing - 1} more are missing)` : ''}. ` +
      'Does config.json belong to these weights? Download the component again.',
  },
  ERR_WEIGHT_SHAPE: {
    summary: 'A tensor of a checkpoint has another shape than its config asks for.',
    message: (d: {
      component: string;
      key: string;
      file: string;
      got: readonly number[];
      expected: readonly number[];
    }): string =>
      `${d.component}: tensor "${d.key}" in "${d.file}" has shape [${d.got.join(', ')}]; config.json asks for [${d.expected.join(', ')}].`,
  },
  ERR_WEIGHT_DTYPE: {
    summary: 'A tensor of a checkpoint has an element type that weights cannot have.',
    message: (d: { component: string; key: string; file: string; got: string; expected: string }): string =>
      `${d.component}: tensor "${d.key}" in "${d.file}" has dtype ${d.got}; weights can be ${d.expected}.`,
  },
  ERR_INPUT_INVALID: {
    summary: 'A component was called with inputs that do not fit it.',
    message: (d: { component: string; entry: string; input: string; got: string; expected: string }): string =>
      `${d.component}.${d.entry}: input "${d.input}" is ${d.got}; expected ${d.expected}.`,
  },
  ERR_ENTRY_UNKNOWN: {
    summary: 'A component does not have the entry point or output that was asked for.',
    message: (d: { component: string; asked: string; available: readonly string[] }): string =>
      `${d.component} has no "${d.asked}"; it has ${d.available.join(', ')}.`,
  },
} as const satisfies ErrorDefinitions;
