import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { MemoryBudget } from '../../src/device/MemoryBudget.js';
import type { Graph } from '../../src/graph/Graph.js';
import { GraphBuilder } from '../../src/graph/GraphBuilder.js';
import { nameParameters } from '../../src/graph/Module.js';
import { Conv2d } from '../../src/graph/nn/Conv2d.js';

/** Instruction sets of processors of the kinds that the table knows. */
const SETS = {
  avx2: ['avx', 'avx2', 'fma', 'f16c'],
  avx512: ['avx', 'avx2', 'fma', 'f16c', 'avx512f', 'avx512bw', 'avx512_vnni'],
  other: ['asimd', 'asimddp'],
};
let sets: readonly string[] = SETS.avx2;
jest.unstable_mockModule('../../src/device/instructionSets.js', () => ({ instructionSets: () => sets }));
const { lowerGraph } = await import('../../src/graph/lower.js');
const { outrunsInt8 } = await import('../../src/graph/passes/winograd/outrunsInt8.js');
const { countConvolutions } = await import('../../src/graph/passes/winograd/countConvolutions.js');

afterEach(() => {
  sets = SETS.avx2;
});

function graphOf(channels: number, size: number): Graph {
  const conv = new Conv2d(channels, channels, 3, { padding: 1 });
  nameParameters(conv);
  const builder = new GraphBuilder('convolution');
  builder.output('y', conv.forward(builder.input('x', 'float32', [1, channels, size, size])));
  return builder.build();
}

const large = graphOf(640, 32);
const lowered = (graph: Graph, kind: 'winograd' | 'exact' | 'direct', bytes = 2 ** 26): readonly string[] =>
  lowerGraph(graph, {
    bytes: 2 ** 25,
    activations: 'float32',
    provider: 'cpu',
    convolution: { kind, bytes },
  }).nodes.map(({ op }) => op);

test('large convolutions are products of matrices where AVX2 is all there is', () => {
  expect(lowered(large, 'winograd')).not.toContain('Conv');
  expect(lowered(large, 'winograd')).toContain('FusedMatMul');
});

test('with AVX-512 too, where they have the room that they have without a memory limit', () => {
  sets = SETS.avx512;
  expect(lowered(large, 'winograd', new MemoryBudget().convolutionBytes)).toContain('FusedMatMul');
  expect(lowered(large, 'winograd', new MemoryBudget(2 ** 33).convolutionBytes)).toContain('FusedMatMul');
  expect(lowered(large, 'winograd', new MemoryBudget(2 ** 31).convolutionBytes)).toContain('Conv');
  expect(countConvolutions(large, 'exact')).toEqual({ fours: 0, twos: 1, direct: 0 });
  sets = SETS.other;
  expect(lowered(large, 'winograd', new MemoryBudget().convolutionBytes)).toContain('Conv');
});

test('small ones are left as they are, and all where that is asked for', () => {
  expect(lowered(graphOf(32, 32), 'winograd')).toContain('Conv');
  expect(lowered(large, 'direct')).toContain('Conv');
});

test('exact ones are in tiles of two', () => {
  expect(countConvolutions(large, 'exact')).toEqual({ fours: 0, twos: 1, direct: 0 });
  expect(countConvolutions(large, 'direct')).toEqual({ fours: 0, twos: 0, direct: 1 });
});

test('what has no room is left as it is', () => {
  expect(lowered(large, 'winograd', 2 ** 18)).toContain('Conv');
});

test('so is what is packed for the kernel of the runtime', () => {
  expect(lowered(large.with({ memoryFormat: 'channels_last' }), 'winograd')).toContain('Conv');
  expect(lowered(large.with({ directConvolutions: true }), 'winograd')).toContain('Conv');
});

test('other providers have convolutions of their own', () => {
  const { nodes } = lowerGraph(large, {
    bytes: 2 ** 25,
    activations: 'float32',
    provider: 'webgpu',
    convolution: { kind: 'winograd', bytes: 2 ** 26 },
  });
  expect(nodes.map(({ op }) => op)).toContain('Conv');
});

describe('beside int8', () => {
  const outruns = (graph: Graph): boolean => outrunsInt8(graph, graph.nodes[0]!, 'winograd', 2 ** 26);

  test('it is faster with AVX2', () => {
    expect(outruns(large)).toBe(true);
    expect(outruns(graphOf(32, 32))).toBe(false);
    expect(outrunsInt8(large, large.nodes[0]!, 'direct', 2 ** 26)).toBe(false);
    expect(outrunsInt8(large, large.nodes[0]!, 'winograd', 2 ** 18)).toBe(false);
    expect(outruns(large.with({ directConvolutions: true }))).toBe(false);
  });

  test.each(['avx512', 'other'] as const)('and not with %s', (kind) => {
    sets = SETS[kind];
    expect(outruns(large)).toBe(false);
  });
});
