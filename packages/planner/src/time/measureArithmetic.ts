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
  const x = new Tensor('float32', fillWith(new Float32Array(rows * inner), 1), [rows, inner]);
  const dims = [inner, columns];
  const weights =
    type === 'int8'
      ? new Tensor('int8', fillWith(new Int8Array(inner * columns), 60), dims)
      : new Tensor('float32', fillWith(new Float32Array(inner * columns), 1), dims);
  const session = await device.load(serializeOnnx(graphOf(type)));
  const inputs = { x: await device.upload(x), w: await device.upload(weights) };
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

/** In place: what is thrown away on the way would take megabytes of a small limit. */
function fillWith<T extends Float32Array | Int8Array>(values: T, most: number): T {
  for (let i = 0; i < values.length; i++) values[i] = most * Math.sin(i);
  return values;
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
