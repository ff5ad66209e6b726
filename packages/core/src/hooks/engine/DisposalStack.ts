/** Things to undo, last first. */
export class DisposalStack {
  readonly #undo = new Set<{ readonly run: () => unknown }>();

  /** Adds `undo`. Call the result to take it out again, undone by other means. */
  add(undo: () => unknown): () => void {
    const entry = { run: undo };
    this.#undo.add(entry);
    return () => {
      this.#undo.delete(entry);
    };
  }

  /** Undoes everything, each awaited, whatever fails. Returns what was thrown. */
  async unwind(): Promise<unknown[]> {
    const errors: unknown[] = [];
    const entries = [...this.#undo].reverse();
    this.#undo.clear();
    for (const entry of entries) {
      try {
        await entry.run();
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}
