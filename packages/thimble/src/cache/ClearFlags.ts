/** The options of `thimble cache clear`. */
export interface ClearFlags {
  readonly only?: 'models' | 'weights';
  readonly yes?: boolean;
}
