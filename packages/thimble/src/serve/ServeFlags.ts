import type { PluginSpec } from '../plugins/parsePluginSpec.js';
import type { GenerateFlags } from '../generate/GenerateFlags.js';
import type { NamedModel } from './parseModel.js';

/** What the options of `thimble serve` say. */
export interface ServeFlags extends Pick<
  GenerateFlags,
  | 'variant'
  | 'revision'
  | 'offline'
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
  | 'trace'
  | 'offload'
  | 'vaeTiling'
  | 'vaeSlicing'
  | 'fp8'
  | 'int8Weights'
  | 'memoryLimit'
> {
  readonly model: readonly NamedModel[];
  readonly use: readonly PluginSpec[];
  readonly host?: string;
  readonly port?: number;
  readonly token?: string;
  readonly keep?: number;
  /** Milliseconds, as `retain`. */
  readonly idle?: number;
  readonly retain?: number;
  readonly results?: string;
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
  readonly debug?: boolean;
}
