/** One tap, as a listing or an observer sees it. */
export interface TapInfo {
  readonly name: string;
  /** The plugin that owns the tap; absent if an application tapped the hook itself. */
  readonly plugin?: string;
  readonly stage: number | string;
}
