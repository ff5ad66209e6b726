/** What one LoRA does to a pipeline. */
export interface LoraReport {
  /** Its name. */
  readonly name: string;
  /** The file, as a real path. */
  readonly file: string;
  /** For which models it was made, in words. */
  readonly family: string;
  /** By component, what the file calls the layers that it changes there. */
  readonly applied: Readonly<Record<string, readonly string[]>>;
  /** What the file calls the layers, and tensors, that no component has. */
  readonly unused: readonly string[];
}
