import type { PluginSpec } from '../plugins/parsePluginSpec.js';
import type { GenerateFlags } from '../generate/GenerateFlags.js';
import type { NamedModel } from './parseModel.js';

/** What the options say of models that are served, or worked with. */
export interface ServedFlags extends Pick<
  GenerateFlags,
  | 'variant'
  | 'revision'
  | 'offline'
  | 'allowSymlinks'
  | 'vae'
  | 'component'
  | 'config'
  | 'predictionType'
  | 'preset'
  | 'device'
  | 'threads'
  | 'int8'
  | 'attention'
  | 'channelsLast'
  | 'convolution'
  | 'stepCache'
  | 'tokenMerging'
  | 'trace'
  | 'lora'
  | 'loraMode'
  | 'loraDir'
  | 'offload'
  | 'vaeTiling'
  | 'vaeSlicing'
  | 'fp8'
  | 'int8Weights'
  | 'memoryLimit'
  | 'planQuality'
  | 'promptWeights'
> {
  readonly model: readonly NamedModel[];
  readonly use: readonly PluginSpec[];
  readonly keep?: number;
  /** Milliseconds. */
  readonly idle?: number;
  readonly results?: string;
  readonly debug?: boolean;
}

/** What the options of `thimble worker` say. */
export interface WorkerFlags extends ServedFlags {
  readonly redis: string;
}

/** What the options of `thimble serve` say. */
export interface ServeFlags extends Omit<ServedFlags, 'model'> {
  /** Of a server whose workers are elsewhere there need be none. */
  readonly model?: readonly NamedModel[];
  readonly redis?: string;
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
  /** Milliseconds. */
  readonly retain?: number;
  readonly maxQueue?: number;
  readonly maxImages?: number;
  readonly maxSteps?: number;
  readonly maxPixels?: number;
  /** Bytes. */
  readonly bodyLimit?: number;
  readonly rateLimit?: number;
  readonly allowUrls?: boolean;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}
