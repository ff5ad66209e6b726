/**
 * The environment in which onnxruntime (from 1.29 on) keeps its telemetry to itself. Otherwise it writes a device id and a store of events into the home
 * folder, and asks the network for its maker's collector. It reads the environment once, when it is loaded.
 */
export const withoutTelemetry: Readonly<Record<string, string>> = { ORT_DISABLE_TELEMETRY: '1' };
