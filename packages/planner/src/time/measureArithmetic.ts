import { Tensor } from '@thimble/core';
import { type Device, Graph, type GraphNode, serializeOnnx } from '@thimble/core/plugin';
import type { MachineSpeed } from './MachineSpeed.js';

/** A product of matrices [rows, inner] × [inner, columns], and how often it is measured. */
export interface MeasuredProduct {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly rounds: number;
}

/** Of a size as a transformer's or a UNet's layer has it, small enough to be measured in a tenth of a second. */
const SMALL: MeasuredProduct = { rows: 1024, inner: 640, columns: 640, rounds: 12 };

const node = (op: string, inputs: string[], outputs: string[], domain = ''): GraphNode => ({
  op,
  domain,
  name: op,
  inputs,
  outputs,
  attributes: {},
});

const PRODUCTS = {
  float32: [node('MatMul', ['x', 'w'], ['y'])],
  int8: [
    node('DynamicQuantizeLinear', ['x'], ['codes', 'scale', 'zero']),
    node('MatMulIntegerToFloat', ['codes', 'w', 'scale', 'one', 'zero'], ['y'], 'com.microsoft'),
  ],
};

/** How many multiplications with an addition a device does in a second: the best of a few products of matrices, in float32 and in int8. @throws what the device throws */
export async function measureArithmetic(
  device: Device,
  product = SMALL,
): Promise<Pick<MachineSpeed, 'float32' | 'int8'>> {
  return { float32: await rate(device, 'float32', product), int8: await rate(device, 'int8', product) };
}

async function rate(
  device: Device,
  type: keyof typeof PRODUCTS,
  { rows, inner, columns, rounds }: MeasuredProduct,
): Promise<number> {
  // Filled in place: a list of so many numbers on the way would take tens of megabytes of a small limit.
  const x = new Float32Array(rows * inner).map((_, i) => Math.sin(i));
  const w = new Float32Array(inner * columns).map((_, i) => Math.sin(i));
  const weights =
    type === 'int8'
      ? new Tensor(
          'int8',
          new Int8Array(w.length).map((_, i) => (w[i] ?? 0) * 60),
          [inner, columns],
        )
      : new Tensor('float32', w, [inner, columns]);
  const session = await device.load(serializeOnnx(graphOf(type)));
  const inputs = { x: await device.upload(new Tensor('float32', x, [rows, inner])), w: await device.upload(weights) };
  const step = { session, feeds: { x: 'x', w: 'w' }, results: { y: 'y' }, release: [] };
  let least = Infinity;
  try {
    for (let round = 0; round < rounds; round++) {
      const { kept, durations } = await device.run({ inputs, steps: [step], outputs: { y: 'keep' } });
      await device.free(Object.values(kept));
      least = Math.min(least, durations[0] as number);
    }
  } finally {
    await device.free(Object.values(inputs));
    await device.unload(session);
  }
  return ((rows * inner * columns) / least) * 1000;
}

function graphOf(type: keyof typeof PRODUCTS): Graph {
  return new Graph({
    name: `rate.${type}`,
    nodes: PRODUCTS[type],
    weights: [],
    shapes: new Map(),
    inputs: [
      { name: 'x', type: 'float32', rank: 2 },
      { name: 'w', type, rank: 2 },
    ],
    outputs: [{ name: 'y', type: 'float32', rank: 2 }],
    constants: [{ name: 'one', type: 'float32', dims: [], data: [1] }],
  });
}
