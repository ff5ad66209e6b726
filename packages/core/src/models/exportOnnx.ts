import type { OnnxModel } from '../device/OnnxModel.js';
import { serializeOnnx } from '../graph/onnx/serializeOnnx.js';
import { type AttentionLowering, lowerAttention } from '../graph/passes/AttentionLowering.js';
import { bindWeights } from '../graph/passes/bindWeights.js';
import { chunkedAttention } from '../graph/passes/chunkedAttention.js';
import { lowerGroupNorm } from '../graph/passes/lowerGroupNorm.js';
import { splitWideWeights } from '../graph/passes/splitWideWeights.js';
import { widenWeights } from '../graph/passes/widenWeights.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { InputShapes, Model } from './Model.js';
import { ModelWeights } from './ModelWeights.js';

/** Options of {@link exportOnnx}. */
export interface ExportOptions {
  /** Default: plain attention in chunks. */
  readonly attention?: AttentionLowering;
  /** Bytes that a weight stored in a narrower type may take as float32 before its layer is split. Default 32 MB. */
  readonly widenBudget?: number;
}

/**
 * An entry point of a model as one ONNX graph, for other runtimes and for comparisons. The weights stay in the checkpoint's files, as
 * external data relative to the result's `folder`.
 *
 * @throws RangeError for an entry point that the model does not have; ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE
 */
export function exportOnnx(
  model: Model,
  checkpoint: ComponentCheckpoint,
  entry: string,
  inputs: InputShapes,
  options: ExportOptions = {},
): OnnxModel {
  const weights = ModelWeights.match(model.className, model, checkpoint);
  const graph = bindWeights(model.graph(entry, inputs), weights);
  const lowered = lowerAttention(lowerGroupNorm(graph), options.attention ?? chunkedAttention());
  return serializeOnnx(widenWeights(splitWideWeights(lowered, options.widenBudget)));
}
