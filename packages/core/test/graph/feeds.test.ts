import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import type { Component } from '../../src/execution/Component.js';
import type { Graph } from '../../src/graph/Graph.js';
import { createHooks } from '../../src/hooks/manifest.js';
import { fixturePath } from '../support/fixturePath.js';
import { openComponent } from '../support/openComponent.js';

const hooks = createHooks();
let encoder: Component;

beforeAll(async () => {
  encoder = await openComponent(fixturePath('sd-tiny'), 'text_encoder', {
    hooks,
    device: new InlineDevice({ provider: 'cpu', threads: 1 }),
  });
});
afterAll(async () => encoder.device.dispose());

async function output(): Promise<Float32Array> {
  const ids = BigInt64Array.from({ length: 77 }, (_, i) => BigInt(i + 1));
  const { last_hidden_state: states } = await encoder.call({ input_ids: new Tensor('int64', ids, [1, 77]) });
  return states!.data as Float32Array;
}

/** Every segment's outputs times an input that the pass adds. */
function timesGain(graph: Graph, feed: () => Tensor): Graph {
  return graph.with({
    inputs: [...graph.inputs, { name: 'gain', type: 'float32', rank: 1, feed }],
    nodes: graph.nodes.map((node) =>
      node.outputs[0]!.startsWith('out.') ? { ...node, op: 'Mul', inputs: [...node.inputs, 'gain'] } : node,
    ),
    shapes: new Map([...graph.shapes, ['gain', [1]]]),
  });
}

test.each(['at once', 'segment by segment'])('an input that a graph pass adds is fed at each call, %s', async (how) => {
  if (how !== 'at once') hooks.beforeSegment.tap('test:segments', () => undefined);
  const plain = await output();
  let gain = 1;
  let asked = 0;
  const feed = (): Tensor => {
    asked++;
    return new Tensor('float32', Float32Array.of(gain), [1]);
  };
  const tap = hooks.transformGraph.tap('test:gain', (graph) => timesGain(graph, feed));
  expect(await output()).toEqual(plain);
  // Several segments are fed one tensor.
  expect(encoder.segments.length).toBeGreaterThan(1);
  expect(asked).toBe(1);
  const load = jest.spyOn(InlineDevice.prototype, 'load');
  gain = 1.5;
  const changed = await output();
  expect(changed.some((value, i) => Math.abs(value - plain[i]!) > 0.1)).toBe(true);
  gain = 1;
  expect(await output()).toEqual(plain);
  expect(load).not.toHaveBeenCalled();
  load.mockRestore();
  tap[Symbol.dispose]();
  expect(await output()).toEqual(plain);
});
