import type { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../fields/refuseOption.js';
import { checkMembers } from '../fields/checkMembers.js';
import type { TensorView } from '../weights/TensorView.js';

/** Element types of values in a graph; ONNX's names. */
export type ElementType =
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'float8_e4m3fn'
  | 'float8_e5m2'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'bool';

/** A node's attribute, tagged with ONNX's attribute type. */
export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] };

/** One operation. `domain` is '' for ONNX, 'com.microsoft' for the runtime's own, {@link COMPOSITE_DOMAIN} for what a pass must lower. */
export interface GraphNode {
  readonly op: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** The rank of a port where nobody has worked it out. */
export const UNKNOWN_RANK = -1;

/** A graph input or output. */
export interface GraphPort {
  readonly name: string;
  readonly type: ElementType;
  /** Number of axes, or {@link UNKNOWN_RANK}. */
  readonly rank: number;
  /** Set where the graph takes these sizes and no others. */
  readonly dims?: readonly number[];
  /**
   * Set for an input that a graph pass has added: what it is, asked anew at each call, so that a plugin can change it without a graph being built again. A tensor of
   * the port's type and rank, float32 where the graph is computed in float16. Ports with one `feed` are given one tensor. A part of a graph that runs by itself
   * (`GraphContext.partial`) is not fed.
   */
  readonly feed?: () => Tensor;
}

/** A small tensor that lies in the graph itself. */
export interface GraphConstant {
  readonly name: string;
  readonly type: 'float32' | 'float16' | 'int64' | 'int32' | 'int16' | 'uint8';
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

/**
 * A weight that lies in the checkpoint, or whole rows of one.
 * The graph sees it with the shape `dims`, which has as many elements as the rows taken.
 */
export interface GraphWeight {
  /** The value's name in the graph. */
  readonly name: string;
  /** Key in the model's state dict. */
  readonly key: string;
  /** Shape of the whole tensor in the checkpoint. */
  readonly shape: readonly number[];
  /** Shape in the graph. */
  readonly dims: readonly number[];
  /** First row (index on the first axis) and number of rows taken. */
  readonly rows: readonly [start: number, count: number];
  /** What operators read: float32, in whatever format it is stored, or what a pass has put in the place of weights, such as int8. */
  readonly type: ElementType;
  /** Where the rows taken lie, and how they are stored; set once the weight is bound. Weights that are float32 here and stored otherwise are widened where they are used. */
  readonly source?: TensorView;
}

/** The domain of composite operations, `Attention` and `GroupNormalization`, which passes lower to operators of the runtime. */
export const COMPOSITE_DOMAIN = 'thimble';

/** How convolutions see their tensors, in torch's names: as they are written, or with the channels of a pixel side by side. */
export type MemoryFormat = 'contiguous' | 'channels_last';

/** What a {@link Graph} is made of. */
export interface GraphParts {
  readonly name: string;
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
  readonly nodes: readonly GraphNode[];
  readonly constants: readonly GraphConstant[];
  readonly weights: readonly GraphWeight[];
  /** Shape of each value at the sizes the graph was built for; what passes decide by. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Default 'contiguous'. */
  readonly memoryFormat?: MemoryFormat;
  /** Whether kernels may copy weights into an order of their own, which is private memory: worth it where they are stored in few bits. Default false: they stay mapped. */
  readonly packsWeights?: boolean;
  /** Whether convolutions are left to the runtime's own kernel, whatever the pipeline says: where their weights are packed for it. Default false. */
  readonly directConvolutions?: boolean;
}

/**
 * The immutable graph of one segment: operations over named values, with weights named by their keys in the state dict.
 * Passes return changed copies ({@link Graph.with}).
 */
export class Graph implements GraphParts {
  readonly name: string;
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
  readonly nodes: readonly GraphNode[];
  readonly constants: readonly GraphConstant[];
  readonly weights: readonly GraphWeight[];
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly memoryFormat: MemoryFormat;
  readonly packsWeights: boolean;
  readonly directConvolutions: boolean;

  constructor(parts: GraphParts) {
    checkMembers('parts', parts, 'the parts of a graph', [
      'nodes',
      'inputs',
      'outputs',
      'weights',
      'constants',
      'shapes',
    ]);
    this.name = parts.name;
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.nodes = parts.nodes;
    this.constants = parts.constants;
    this.weights = parts.weights;
    this.shapes = parts.shapes;
    this.memoryFormat = parts.memoryFormat ?? 'contiguous';
    this.packsWeights = parts.packsWeights ?? false;
    this.directConvolutions = parts.directConvolutions ?? false;
  }

  /** A copy of this graph with some parts replaced. */
  with(parts: Partial<GraphParts>): Graph {
    return new Graph({ ...(this as GraphParts), ...parts });
  }

  /** The shape of a value at the sizes the graph was built for. @throws ERR_ARGUMENT_INVALID for a name that is not in the graph */
  shapeOf(value: string): readonly number[] {
    const shape = this.shapes.get(value);
    if (shape === undefined) refuseOption('value', value, `the name of a value of the graph ${this.name}`);
    return shape;
  }
}
