import type { Attribute, Graph, GraphNode } from '../../Graph.js';

/** A 3×3 convolution that moves pixel by pixel, with its sizes at the call that the graph is built for. */
export interface WinogradSite {
  readonly node: GraphNode;
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** The value that goes in, and its size in pixels. */
  readonly input: string;
  readonly height: number;
  readonly width: number;
  /** How many times each of its pixels is seen along a side: two where it is upsampled first, which the windows then do. */
  readonly repeats: number;
  /** Of what comes out. */
  readonly outHeight: number;
  readonly outWidth: number;
  /** Zeros above and to the left. */
  readonly top: number;
  readonly left: number;
}

/** The node as such a convolution; `undefined` for another one, and where sizes are not known. `makers`: the nodes by what they make, among which the one is looked for that upsamples. */
export function winogradSiteOf(
  graph: Graph,
  node: GraphNode,
  makers: ReadonlyMap<string, GraphNode> = new Map(),
): WinogradSite | undefined {
  const [input, output] = sizesOf(graph, node) ?? [];
  if (input === undefined || output === undefined) return undefined;
  const [batch, inChannels, seenHeight, seenWidth] = input;
  const [, outChannels, outHeight, outWidth] = output;
  const [top = 0, left = 0] = ints(node, 'pads') ?? [];
  const seen = node.inputs[0] as string;
  const source = doubledBy(graph, makers.get(seen));
  const repeats = source === undefined ? 1 : 2;
  return {
    node,
    batch,
    inChannels,
    outChannels,
    input: source ?? seen,
    height: seenHeight / repeats,
    width: seenWidth / repeats,
    repeats,
    outHeight,
    outWidth,
    top,
    left,
  };
}

type Size = readonly [n: number, c: number, h: number, w: number];

/** What goes in and what comes out, of a convolution with a kernel of 3×3 that reads every pixel. */
function sizesOf(graph: Graph, node: GraphNode): readonly [input: Size, output: Size] | undefined {
  if (node.op !== 'Conv' || node.domain !== '' || !isDense(node)) return undefined;
  const [input, weight, output] = [node.inputs[0], node.inputs[1], node.outputs[0]].map(
    (name) => graph.shapes.get(name ?? '') ?? graph.weights.find((one) => one.name === name)?.dims,
  );
  if (input?.length !== 4 || weight?.length !== 4 || output?.length !== 4) return undefined;
  return weight[2] === 3 && weight[3] === 3 ? [input as unknown as Size, output as unknown as Size] : undefined;
}

/** What a node upsamples by repeating each pixel along both sides, if it does just that. */
function doubledBy(graph: Graph, node: GraphNode | undefined): string | undefined {
  const { mode, nearest_mode: rounding, coordinate_transformation_mode: origin } = node?.attributes ?? {};
  const says = (attribute: Attribute | undefined, text: string): boolean =>
    attribute !== undefined && 'string' in attribute && attribute.string === text;
  if (node?.op !== 'Resize' || !says(mode, 'nearest') || !says(rounding, 'floor') || !says(origin, 'asymmetric'))
    return undefined;
  const [from, to] = [graph.shapes.get(node.inputs[0] as string), graph.shapes.get(node.outputs[0] as string)];
  const doubled = from?.every((size, axis) => to?.[axis] === (axis < 2 ? size : 2 * size));
  return doubled === true ? node.inputs[0] : undefined;
}

/** Whether every pixel is a centre, and every channel of it is read. */
function isDense(node: GraphNode): boolean {
  const { group } = node.attributes;
  const ones = ['strides', 'dilations'].every((name) => ints(node, name)?.every((size) => size === 1) ?? true);
  const single = group === undefined || ('int' in group && group.int === 1);
  return ones && single && node.attributes['auto_pad'] === undefined;
}

function ints({ attributes }: GraphNode, name: string): readonly number[] | undefined {
  const attribute = attributes[name];
  return attribute !== undefined && 'ints' in attribute ? attribute.ints : undefined;
}
