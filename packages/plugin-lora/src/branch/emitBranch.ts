import type { Emitter, GraphNode, GraphWeight } from '@thimble/core/plugin';
import type { Delta } from '../deltas/Delta.js';
import type { GraphMatrices } from '../deltas/GraphMatrices.js';
import type { LayerChange } from '../layers/LayerChange.js';
import type { ScaleInputs } from './ScaleInputs.js';

/** A layer, and the products that go beside it. */
export interface BranchSite {
  readonly node: GraphNode;
  readonly weight: GraphWeight;
  readonly changes: readonly LayerChange[];
}

/** What a branch is made with. */
export interface BranchParts {
  readonly emit: Emitter;
  readonly scales: ScaleInputs;
  /** Weights of a LoRA. */
  readonly matrices: (adapter: string) => GraphMatrices;
}

type Product = Extract<Delta, { kind: 'product' }>;

/** x · wᵀ + b, and nothing else that Gemm can do. */
export function isLinear({ op, attributes }: GraphNode): boolean {
  const others = Object.entries(attributes).filter(([name]) => name !== 'transB');
  const { transB } = attributes;
  return op === 'Gemm' && others.length === 0 && transB !== undefined && 'int' in transB && transB.int === 1;
}

/** Emits (x · downᵀ · scale) · upᵀ + base, one after the other, as the node's output. */
export function emitLinearBranch({ node, weight, changes }: BranchSite, base: string, parts: BranchParts): void {
  const { emit, scales, matrices } = parts;
  const [x] = node.inputs as [string];
  let sum = base;
  for (const [at, change] of changes.entries()) {
    const weights = matrices(change.adapter);
    const { up, down, core } = change.delta as Product;
    const small =
      core === undefined
        ? emit.one('Gemm', [x, weights.rows(down, 0, down.shape[0] as number).value], { transB: { int: 1 } })
        : emit.one('MatMul', [x, narrowing(weights, core, down, emit)]);
    const scaled = emit.one('Mul', [small, scales.of(change)]);
    const inputs = [scaled, weights.rows(up, change.start + weight.rows[0], weight.rows[1]).value, sum];
    const attributes = { transB: { int: 1 }, alpha: { float: change.factor } };
    if (at < changes.length - 1) sum = emit.one('Gemm', inputs, attributes);
    else emit.last('Gemm', inputs, node.outputs[0] as string, attributes);
  }
}

/** The same with convolutions: `down` has the layer's window, or, with a core, that has it. */
export function emitConvolutionBranch({ node, weight, changes }: BranchSite, base: string, parts: BranchParts): void {
  const { emit, scales, matrices } = parts;
  const [x] = node.inputs as [string];
  const [, channels = 1, ...kernel] = weight.dims;
  const point = kernel.map(() => 1);
  const pointwise = { kernel_shape: { ints: point } };
  let sum = base;
  for (const [at, change] of changes.entries()) {
    const weights = matrices(change.adapter);
    const { up, down, core } = change.delta as Product;
    const rank = down.shape[0] as number;
    const small =
      core === undefined
        ? emit.one('Conv', [x, weights.weight(down, 0, rank, [channels, ...kernel])], { ...node.attributes })
        : emit.one(
            'Conv',
            [
              emit.one('Conv', [x, weights.weight(down, 0, rank, [channels, ...point])], pointwise),
              weights.weight(core, 0, core.shape[0] as number, [rank, ...kernel]),
            ],
            { ...node.attributes },
          );
    const factor = emit.one('Mul', [scales.of(change), emit.constant('float32', [1], [change.factor])]);
    const scaled = emit.one('Mul', [small, factor]);
    const window = [up.shape[1] as number, ...point];
    const made = weights.weight(up, change.start + weight.rows[0], weight.rows[1], window);
    const inputs = [sum, emit.one('Conv', [scaled, made], pointwise)];
    if (at < changes.length - 1) sum = emit.one('Add', inputs);
    else emit.last('Add', inputs, node.outputs[0] as string);
  }
}

/** [in, rank] of a core and what it takes, for a layer that has no window. */
function narrowing(weights: GraphMatrices, core: Product['down'], down: Product['down'], emit: Emitter): string {
  const whole = (view: Product['down']): ReturnType<GraphMatrices['rows']> =>
    weights.rows(view, 0, view.shape[0] as number);
  return emit.one('Transpose', [weights.contract(whole(core), whole(down)).value], { perm: { ints: [1, 0] } });
}
