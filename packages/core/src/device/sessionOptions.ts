import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-common';
import type { DeviceOptions } from './DeviceOptions.js';
import type { OnnxModel, SessionMode } from './OnnxModel.js';
import { OPTIMIZED_GRAPH, OPTIMIZED_WEIGHTS, type OptimizationTarget } from './OptimizationTarget.js';

type Level = NonNullable<InferenceSession.SessionOptions['graphOptimizationLevel']>;

/** 'all' rewrites convolutions into the CPU's blocked layout, which it can only if their weights are constants. */
const LEVELS: Readonly<Record<SessionMode, Level>> = {
  mapped: 'extended',
  packed: 'extended',
  channels_last: 'all',
  optimized: 'disabled',
  prepacked: 'disabled',
};

/** Session options with which weights stay mapped from the file and the threads of many sessions do not fight each other. */
export function sessionOptions(model: OnnxModel, options: DeviceOptions): InferenceSession.SessionOptions {
  const mode = model.mode ?? 'mapped';
  return optionsFor(model, mode, options, mode === 'prepacked' || mode === 'packed' ? {} : { disable_prepacking: '1' });
}

/** Session options with which creating a session writes the optimised graph. */
export function optimizationOptions(
  model: OnnxModel,
  options: DeviceOptions,
  { folder, prepack }: OptimizationTarget,
): InferenceSession.SessionOptions {
  const mode = prepack ? 'channels_last' : (model.mode ?? 'mapped');
  // A graph that changes no weight goes on reading them where they lie.
  const weights =
    mode === 'channels_last'
      ? {
          optimized_model_external_initializers_file_name: OPTIMIZED_WEIGHTS,
          optimized_model_external_initializers_min_size_in_bytes: '1024',
        }
      : {};
  const packing = prepack ? { save_external_prepacked_constant_initializers: '1' } : { disable_prepacking: '1' };
  return {
    ...optionsFor(model, mode, options, { ...weights, ...packing }),
    optimizedModelFilePath: join(folder, OPTIMIZED_GRAPH),
  };
}

function optionsFor(
  { folder }: OnnxModel,
  mode: SessionMode,
  { provider, threads }: DeviceOptions,
  session: Readonly<Record<string, string>>,
): InferenceSession.SessionOptions {
  const preferred =
    mode === 'channels_last' && provider === 'webgpu'
      ? ({ name: 'webgpu', preferredLayout: 'NHWC' } as const)
      : provider;
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [preferred, 'cpu'],
    graphOptimizationLevel: LEVELS[mode],
    enableCpuMemArena: false,
    enableMemPattern: false,
    // Fatal alone: what fails is told of by errors.
    logSeverityLevel: 4,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    extra: {
      session: {
        ...session,
        // Every session has its own threads; spinning ones of idle sessions would take the cores from the one that runs.
        intra_op: { allow_spinning: '0' },
        inter_op: { allow_spinning: '0' },
        ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
      },
      // Folding would expand every Cast of a weight at load.
      ...(mode === 'channels_last' ? {} : { optimization: { disable_specified_optimizers: 'ConstantFolding' } }),
    },
  };
}
