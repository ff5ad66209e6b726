/** Where ONNX Runtime computes: its execution providers. */
export type ExecutionProvider = 'cpu' | 'webgpu' | 'cuda';

/** All execution providers that thimble can be asked for. */
export const EXECUTION_PROVIDERS: readonly ExecutionProvider[] = ['cpu', 'webgpu', 'cuda'];
