import type { ModelFacts } from './ModelFacts.js';

/** The models that requests may name: those of this process, or those of its workers. */
export interface ModelCatalog {
  /** The first one is the default. */
  readonly names: readonly string[];
  /** The names of those that are open. */
  readonly opened: readonly string[];
  /** What is known of a model that was open; undefined for others. */
  facts(name: string): ModelFacts | undefined;
  /** The LoRAs that prompts may name, of all models. */
  loras(): Promise<readonly string[]>;
  /** @throws ERR_MODEL_UNKNOWN; ERR_NO_WORKERS */
  deviceOf(name: string): string;
  /** Closes all that this process has open. */
  dispose(): Promise<void>;
}
