import { DEFAULT_TRANSIENT_BYTES } from '../device/MemoryBudget.js';
import type { OnnxModel } from '../device/OnnxModel.js';
import { lowerGraph } from '../graph/lower.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import { refuseOption } from '../fields/refuseOption.js';
import { serializeOnnx } from '../graph/onnx/serializeOnnx.js';
import { type AttentionLowering, lowerAttention } from '../graph/passes/AttentionLowering.js';
import { bindWeights } from '../graph/passes/bindWeights.js';
import type { ComponentCheckpoint } from '../weights/ComponentCheckpoint.js';
import type { InputShapes, Model } from './Model.js';
import { ModelWeights } from './ModelWeights.js';

/** Options of {@link exportOnnx}. */
export interface ExportOptions {
  /** Default: plain attention in chunks. */
  readonly attention?: AttentionLowering | undefined;
  /** Bytes that a weight stored in a narrower type may take as float32 before its layer is split. Default 32 MB; with more, attention and feed-forwards may take as much before they are computed in chunks. */
  readonly widenBudget?: number | undefined;
}

/**
 * An entry point of a model as one ONNX graph, lowered as components lower theirs for the CPU, for other runtimes and for comparisons. The weights
 * stay in the checkpoint's files, as external data relative to the result's `folder`.
 *
 * @throws ERR_ENTRY_UNKNOWN for an entry point that the model does not have; ERR_ARGUMENT_INVALID for a model or a checkpoint that is none; ERR_WEIGHT_MISSING, ERR_WEIGHT_SHAPE, ERR_WEIGHT_DTYPE
 */
export function exportOnnx(
  model: Model,
  checkpoint: ComponentCheckpoint,
  entry: string,
  inputs: InputShapes,
  options: ExportOptions = {},
): OnnxModel {
  checkOptionNames(options, ['attention', 'widenBudget'], 'exportOnnx');
  if (typeof model?.graph !== 'function') refuseOption('model', model, 'a model');
  if (typeof checkpoint?.tensors?.get !== 'function') refuseOption('checkpoint', checkpoint, 'an opened checkpoint');
  const { attention, widenBudget = DEFAULT_TRANSIENT_BYTES } = options;
  const weights = ModelWeights.match(model.className, model, checkpoint);
  const graph = bindWeights(model.graph(entry, inputs), weights);
  const attended = attention === undefined ? graph : lowerAttention(graph, attention);
  const bytes = Math.max(DEFAULT_TRANSIENT_BYTES, widenBudget);
  return serializeOnnx(
    lowerGraph(attended, { bytes, weightBytes: widenBudget, activations: 'float32', provider: 'cpu' }),
  );
}
