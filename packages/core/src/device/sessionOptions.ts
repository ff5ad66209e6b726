import type { InferenceSession } from 'onnxruntime-common';
import type { DeviceOptions } from './DeviceOptions.js';
import type { OnnxModel } from './OnnxModel.js';

/** Session options with which weights stay mapped from the file and the threads of many sessions do not fight each other. */
export function sessionOptions(model: OnnxModel, { provider, threads }: DeviceOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    graphOptimizationLevel: 'extended',
    enableCpuMemArena: false,
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    extra: {
      session: {
        disable_prepacking: '1',
        // Every session has its own threads; spinning ones of idle sessions would take the cores from the one that runs.
        intra_op: { allow_spinning: '0' },
        inter_op: { allow_spinning: '0' },
        ...(model.folder === undefined ? {} : { model_external_initializers_file_folder_path: model.folder }),
      },
      optimization: { disable_specified_optimizers: 'ConstantFolding' },
    },
  };
}
