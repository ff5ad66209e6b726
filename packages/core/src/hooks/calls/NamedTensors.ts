import type { Tensor } from 'onnxruntime-common';

/** Tensors by the names that diffusers gives them. */
export type NamedTensors = Record<string, Tensor>;
