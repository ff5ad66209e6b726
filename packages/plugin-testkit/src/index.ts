// The public API of @thimble/plugin-testkit.
export { createTestPipeline } from './createTestPipeline.js';
export type { TestDevice, TestPipelineOptions } from './createTestPipeline.js';
export { FakeDevice } from './FakeDevice.js';
export { testCheckpoint } from './createTestPipeline.js';
export { testRun } from './createTestPipeline.js';
export { recordHooks } from './recordHooks.js';
export type { HookCall, HookRecord } from './recordHooks.js';
export { expectSameOutput } from './expectSameOutput.js';
export type { Output, SameOutputOptions } from './expectSameOutput.js';
export { expectPeakBytesBelow } from './expectPeakBytesBelow.js';
export type { PeakBytesOptions } from './expectPeakBytesBelow.js';
export { runPluginConformance } from './conformance/runPluginConformance.js';
export type { RunConformanceOptions } from './conformance/runPluginConformance.js';
export { checkPluginConformance } from './conformance/checkPluginConformance.js';
export type { ConformanceViolation } from './conformance/checkPluginConformance.js';
export type { ConformanceOptions } from './conformance/ConformanceOptions.js';
export type { TestFramework } from './conformance/findTestFramework.js';
