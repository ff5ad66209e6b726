import { Tensor } from '@thimble/core';
import { type ComponentHandle, type Device, Graph } from '@thimble/core/plugin';
import type { Int8Sums } from './CodeLimits.js';

const known = new WeakMap<Device, Promise<Int8Sums>>();

/** How the device that a component is on adds up products of bytes; asked once for each device, in a few milliseconds. @throws what the device throws */
export async function measureSums(component: ComponentHandle): Promise<Int8Sums> {
  const { device } = component;
  const started = known.get(device) ?? measure(component);
  known.set(device, started);
  try {
    return await started;
  } catch (error) {
    known.delete(device);
    throw error;
  }
}

/** Rows of weights by which kinds of sums are told apart, with activations of 255: no two at all, and only neighbours, can be added in 16 bits. */
const ROWS = {
  exact: [127, 127, 127, 127, 127, 127, 127, 127],
  paired: [127, 1, 127, 1, 1, 127, 1, 127],
} as const;

async function measure(component: ComponentHandle): Promise<Int8Sums> {
  if (await addsExactly(component, ROWS.exact)) return 'exact';
  return (await addsExactly(component, ROWS.paired)) ? 'paired' : 'saturating';
}

/** Whether products of activations of 255 with equal columns are added up as they should; `column` is repeated. */
async function addsExactly(component: ComponentHandle, column: readonly number[]): Promise<boolean> {
  const [rows, inner, columns] = [16, 64, 16];
  const weightAt = (row: number): number => column[row % column.length] as number;
  const codes = Int8Array.from({ length: inner * columns }, (_, i) => weightAt(Math.floor(i / columns)));
  const x = new Tensor('uint8', new Uint8Array(rows * inner).fill(255), [rows, inner]);
  const w = new Tensor('int8', codes, [inner, columns]);
  const expected = Array.from({ length: inner }, (_, row) => 255 * weightAt(row)).reduce((a, b) => a + b);
  const data = (await multiply(component, { x, w })).data as Int32Array;
  return data.every((sum) => sum === expected);
}

/** The product as the component's device gives it. */
async function multiply(component: ComponentHandle, tensors: Readonly<Record<string, Tensor>>): Promise<Tensor> {
  const { device } = component;
  const session = await device.load(component.lower(productGraph()));
  const inputs = Object.fromEntries(
    await Promise.all(
      Object.entries(tensors).map(async ([name, tensor]) => [name, await device.upload(tensor)] as const),
    ),
  );
  try {
    const step = { session, feeds: { x: 'x', w: 'w' }, results: { y: 'y' }, release: [] };
    return (await device.run({ inputs, steps: [step], outputs: { y: 'download' } })).downloaded['y'] as Tensor;
  } finally {
    await device.free(Object.values(inputs));
    await device.unload(session);
  }
}

function productGraph(): Graph {
  const inputs = ['x', 'w'];
  return new Graph({
    name: 'int8.sums',
    nodes: [{ op: 'MatMulInteger', domain: '', name: 'product', inputs, outputs: ['y'], attributes: {} }],
    weights: [],
    shapes: new Map(),
    inputs: [
      { name: 'x', type: 'uint8', rank: 2 },
      { name: 'w', type: 'int8', rank: 2 },
    ],
    outputs: [{ name: 'y', type: 'int32', rank: 2 }],
    constants: [],
  });
}
