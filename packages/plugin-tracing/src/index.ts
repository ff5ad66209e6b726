// The public API of @thimble/plugin-tracing.
export { benchmark } from './benchmark.js';
export type { BenchmarkOptions, BenchmarkResult } from './benchmark.js';
export { exampleInputs } from './exampleInputs.js';
export type { ExampleInputOptions } from './exampleInputs.js';
export { trace } from './trace.js';
export type { TraceOptions } from './trace.js';
export { TraceError } from './TraceError.js';
export { TracedModel } from './TracedModel.js';
export { TracingPlugin } from './TracingPlugin.js';
export type { TracingOptions } from './TracingPlugin.js';
