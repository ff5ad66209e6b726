import type { JsonObject } from '../../disk/readJsonFile.js';
import type { WeightStore } from '../../weights/WeightStore.js';

/** A component that is converted. */
export interface ConvertedComponent {
  readonly name: string;
  readonly className: string;
  readonly library: string;
  readonly config: JsonObject;
  /** By diffusers' keys. */
  readonly weights: WeightStore;
}
