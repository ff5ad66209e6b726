import type { Tensor } from 'onnxruntime-common';
import type { Device } from '../../device/Device.js';
import type { OnnxModel } from '../../device/OnnxModel.js';
import type { Graph } from '../../graph/Graph.js';
import type { InputShapes, Model } from '../../models/Model.js';
import type { WeightStore } from '../../weights/WeightStore.js';
import type { CallOptions } from './CallOptions.js';
import type { NamedTensors } from './NamedTensors.js';
import type { SegmentHandle } from './SegmentHandle.js';

/** One component of a pipeline, as plugins see it: what they need to decide what is in memory when. */
export interface ComponentHandle {
  /** Its key in the pipeline's components: `unet`, `vae`, `text_encoder`. */
  readonly name: string;
  /** The contents of its `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where it runs. */
  readonly device: Device;
  /** What it computes, without weights. */
  readonly model: Model;
  /** Where each of the model's parameters lies, by state-dict key, under the plugins of now: the checkpoint, and their layers on top. */
  readonly weights: WeightStore;
  readonly loaded: boolean;
  /** Whether it runs programs that were made before, as a traced model does: what plugins do to graphs does not reach it. */
  readonly isFrozen: boolean;
  /** Weights of the segments that are loaded, in bytes. */
  readonly residentBytes: number;
  /** In the order of execution. */
  readonly segments: readonly SegmentHandle[];
  /**
   * Runs the model: `controlnet.call({ sample, timestep, … }, { run: call.run, signal: call.signal })`. The hooks around it fire as for a call of the pipeline; a
   * component cannot be called while a segment of it runs.
   *
   * @throws ERR_INPUT_INVALID, ERR_ENTRY_UNKNOWN, `signal.reason`, and what the device and hooks throw
   */
  call(inputs: Readonly<Record<string, Tensor>>, options?: CallOptions): Promise<NamedTensors>;
  /** As {@link ComponentHandle.call}, for an entry point by its name; `decode` and `encode` of a VAE with their hooks. */
  invoke(entry: string, inputs: Readonly<Record<string, Tensor>>, options?: CallOptions): Promise<NamedTensors>;
  /**
   * Loads every segment, once no call is computed; nothing if they are.
   *
   * @throws `signal.reason` if aborted.
   */
  load(signal?: AbortSignal): Promise<void>;
  /**
   * Frees every segment, once no call is computed: nobody's call loses what it runs on. Within a call, in a hook of a segment, they are freed at once. Nothing if
   * none is loaded.
   *
   * @throws `signal.reason` if aborted while a call is computed.
   */
  unload(signal?: AbortSignal): Promise<void>;
  /**
   * An entry point as one graph, bound to the weights of now, before any graph pass of a plugin: to be cut up otherwise than into segments.
   *
   * @throws RangeError for an entry point that the model does not have
   */
  graph(entry: string, inputs: InputShapes): Graph;
  /** Makes of a graph, or a part of one, what the device loads, in float32; passes the `transformGraph` hook as a segment does, as a partial graph. */
  lower(graph: Graph): OnnxModel;
}
