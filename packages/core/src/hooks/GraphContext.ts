/** Which graph is being built. */
export interface GraphContext {
  /** The component's name in the pipeline: `unet`. */
  readonly component: string;
  /** The segment's dotted name: `mid_block.attentions.0`. */
  readonly segment: string;
}
