import { defineErrors, type DefinedErrors, ERROR_REFERENCE } from '@thimble/core/plugin';

const DEFINITIONS = {
  ERR_TRACE_MISMATCH: {
    summary: 'A trace was made for something else than what it is used with.',
    message: (d: { trace: string; what: string; traced: string; now: string; remedy: string }): string =>
      `the trace "${d.trace}" was made for another ${d.what}: ${d.traced}; here it is ${d.now}. ${d.remedy}`,
  },
  ERR_TRACE_INVALID: {
    summary: 'A folder does not hold a whole trace.',
    message: (d: { trace: string; problem: string }): string =>
      `"${d.trace}" cannot be used as a trace: ${d.problem}. Trace the component again.`,
  },
  ERR_TRACE_DETACHED: {
    summary: 'A traced model that belongs to no pipeline yet was called.',
    message: (d: { trace: string; component: string }): string =>
      `the traced model "${d.trace}" belongs to no pipeline yet; write pipe.replace('${d.component}', traced) first.`,
  },
} as const;

/** Failures of traces. */
export const TraceError: DefinedErrors<typeof DEFINITIONS> = defineErrors('thimble:tracing', DEFINITIONS, {
  docs: ERROR_REFERENCE,
});
