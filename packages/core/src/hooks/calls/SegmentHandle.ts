/** One segment of a component, as plugins see it: a submodule with a graph of its own. */
export interface SegmentHandle {
  /** diffusers' dotted name: `down_blocks.0.resnets.0`. */
  readonly name: string;
  /** Its place in the order of execution, from 0. */
  readonly index: number;
  readonly loaded: boolean;
  /** Size of its weights as they are stored: in the checkpoint, or where a plugin has them taken from. */
  readonly bytes: number;
  /** Makes it ready to run; nothing if it is. @throws `signal.reason`, and what the device throws */
  load(signal?: AbortSignal): Promise<void>;
  /** Frees what `load` took; nothing if it is not loaded. */
  unload(): Promise<void>;
  /** Asks the system to read its weights ahead. Returns before they are there. */
  prefetch(): Promise<void>;
}
