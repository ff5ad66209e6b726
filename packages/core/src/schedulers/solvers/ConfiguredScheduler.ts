import type { ReadSchedulerConfig, SchedulerConfig, SchedulerConfigInput } from '../readSchedulerConfig.js';

/** What every scheduler of this folder has: a config in diffusers' JSON, and a way to be made from one. */
export abstract class ConfiguredScheduler<C extends SchedulerConfig> {
  readonly config: C;
  readonly ignoredConfig: readonly string[];
  readonly acceptsEta: boolean = false;

  /** @param read what {@link readSchedulerConfig} made of the given config */
  protected constructor(read: ReadSchedulerConfig<C>) {
    this.config = read.config;
    this.ignoredConfig = read.ignored;
  }

  /** {@inheritDoc SchedulerClass.fromConfig} */
  static fromConfig<T>(
    this: new (config: SchedulerConfigInput) => T,
    config: SchedulerConfigInput,
    overrides: SchedulerConfigInput = {},
  ): T {
    return new this(isFields(config) ? { ...config, ...overrides } : config);
  }
}

/** What is no config is left to the constructor to refuse. */
function isFields(config: unknown): boolean {
  return typeof config === 'object' && config !== null && !Array.isArray(config);
}
