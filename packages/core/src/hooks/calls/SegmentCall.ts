import type { DeviceTensor } from '../../device/DeviceTensor.js';
import type { ComponentHandle } from './ComponentHandle.js';
import type { RunContext } from './RunContext.js';
import type { SegmentHandle } from './SegmentHandle.js';

/** Activations by their names in the segment's graph. They stay on the device. */
export type NamedDeviceTensors = Record<string, DeviceTensor>;

/** One segment's turn in a component's call. */
export interface SegmentCall {
  /** The component's name in the pipeline: `unet`. */
  readonly component: string;
  /** The segment's dotted name: `mid_block.attentions.0`. */
  readonly segment: string;
  /** Its index in `handle.segments`. */
  readonly index: number;
  /** The segments that will run after this one in the same call, in order. */
  readonly following: readonly SegmentHandle[];
  /** The component itself. */
  readonly handle: ComponentHandle;
  /** Replaceable until the segment runs. */
  inputs: NamedDeviceTensors;
  /** What the segment gave; replaceable in `afterSegment`. Setting it in `beforeSegment` skips the segment. */
  outputs?: NamedDeviceTensors | undefined;
  /** The run this is part of; absent if the user called the component. */
  readonly run?: RunContext | undefined;
  readonly signal?: AbortSignal | undefined;
}
