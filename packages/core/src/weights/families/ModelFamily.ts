import type { JsonObject } from '../../disk/readJsonFile.js';

/** What tells a model from others of its class: fields as diffusers' and transformers' configs have them. */
export type PartFacts = Readonly<Record<string, number | readonly number[]>>;

/** A part of a pipeline with its public configuration. */
export interface FamilyPart {
  readonly library: 'diffusers' | 'transformers';
  readonly className: string;
  /** Of a model or a scheduler. */
  readonly config?: JsonObject;
  /** Of a tokenizer: what it pads with. */
  readonly padToken?: string;
}

/** Models of one architecture, whose checkpoints are told by the shapes of their tensors: what a checkpoint in one file does not say of itself. */
export interface ModelFamily {
  /** What the option `config` takes. */
  readonly name: string;
  /** For messages. */
  readonly title: string;
  /** Where the configurations were published: repositories on the hub. */
  readonly source: string;
  readonly className: string;
  /** The other fields of `model_index.json`. */
  readonly fields: JsonObject;
  /** By name; null for one that the pipeline leaves out. */
  readonly parts: Readonly<Record<string, FamilyPart | null>>;
  /** Names of parts that are left out where a file does not have them: the pipeline does without. */
  readonly optional?: readonly string[];
  /** Set where checkpoints of equal tensors predict different things: the other kind, which `predictionType` chooses. */
  readonly otherPrediction?: { readonly predictionType: string; readonly family: ModelFamily };
}
