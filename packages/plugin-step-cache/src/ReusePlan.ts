/** Which segments of a denoiser a step may pass over. */
export interface ReusePlan {
  /** The segments that are passed over. */
  readonly skipped: ReadonlySet<string>;
  /** The last of them: all that the rest needs of them is what this one gives. */
  readonly bridge: string;
  /** Of a transformer, the first and the last of the blocks that every step computes; what they change is what steps are compared by. A UNet has none. */
  readonly head?: { readonly first: string; readonly last: string };
}
