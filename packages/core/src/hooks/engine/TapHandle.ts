/** A tap that was registered; disposing of it removes it, and twice is harmless. */
export interface TapHandle extends Disposable {
  /** Says that the tap gives something else from now on: what was made with what it gave before is made anew. Its place in the order stays. */
  changed(): void;
}
