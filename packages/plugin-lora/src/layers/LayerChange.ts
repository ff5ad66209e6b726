import type { FileLayer } from '../files/FileLayer.js';
import type { BlockPlace } from './blockPlace.js';

/** What one LoRA does to one weight of a component. */
export interface LayerChange extends Pick<FileLayer, 'delta' | 'factor' | 'magnitude'> {
  /** The LoRA's name. */
  readonly adapter: string;
  /** The component's name. */
  readonly component: string;
  /** First row of the change that is the weight's: it may be a fused one. */
  readonly start: number;
  /** Where in a UNet the layer is, for scales of blocks. */
  readonly place: BlockPlace | undefined;
}
