/** A long array of a GGUF file's metadata, such as a tokenizer's vocabulary: where it lies, until it is asked for. */
export interface GgufArray {
  readonly length: number;
  /** Reads it; texts as strings, 64-bit integers as bigint, other numbers as numbers. */
  readonly read: () => Promise<readonly GgufScalar[]>;
}

/** A value of metadata that is no array. 64-bit integers are numbers where they are safe, else bigint. */
export type GgufScalar = string | number | bigint | boolean;
/** A value of a GGUF file's metadata. */
export type GgufValue = GgufScalar | readonly GgufScalar[] | GgufArray;
