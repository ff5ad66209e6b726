import { Tensor } from '@thimble/core';
import { type ComponentHandle, type Device, Graph, type GraphNode } from '@thimble/core/plugin';
import { CODE_LIMITS, type Int8Sums } from './CodeLimits.js';

/** What a device's int8 kernels are like. */
export interface Int8Measurement {
  /** How many times as fast as float32 a product of matrices is, quantising included. */
  readonly speedUp: number;
  /** How it adds up products of bytes. */
  readonly sums: Int8Sums;
}

const SIZE = 512;
const ROUNDS = 5;
const known = new WeakMap<Device, Promise<Int8Measurement>>();

/** Measures the device that a component is on, once for each device; takes a few hundredths of a second. @throws what the device throws */
export async function measureInt8(component: ComponentHandle): Promise<Int8Measurement> {
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

async function measure(component: ComponentHandle): Promise<Int8Measurement> {
  const sums = await measureSums(component);
  const values = Float32Array.from({ length: SIZE * SIZE }, (_, i) => Math.sin(i));
  const floats = new Tensor('float32', values, [SIZE, SIZE]);
  const codes = new Tensor(
    'int8',
    Int8Array.from(values, (x) => x * CODE_LIMITS[sums].code),
    [SIZE, SIZE],
  );
  const [plain, int8] = [
    await timer(component, plainGraph(), { x: floats, w: floats }),
    await timer(component, int8Graph(), { x: floats, w: codes }),
  ];
  try {
    const times = { plain: Infinity, int8: Infinity };
    for (let round = 0; round < ROUNDS; round++) {
      times.plain = Math.min(times.plain, await plain.run());
      times.int8 = Math.min(times.int8, await int8.run());
    }
    return { speedUp: times.plain / times.int8, sums };
  } finally {
    await plain.dispose();
    await int8.dispose();
  }
}

/** Rows of weights by which kinds of sums are told apart, with activations of 255: no two at all, and only neighbours, can be added in 16 bits. */
const ROWS = {
  exact: [127, 127, 127, 127, 127, 127, 127, 127],
  paired: [127, 1, 127, 1, 1, 127, 1, 127],
} as const;

async function measureSums(component: ComponentHandle): Promise<Int8Sums> {
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
  const product = await timer(component, sumGraph(), { x, w });
  try {
    const data = (await product.result()).data as Int32Array;
    return data.every((sum) => sum === expected);
  } finally {
    await product.dispose();
  }
}

/** A session with inputs on the device. */
async function timer(
  component: ComponentHandle,
  graph: Graph,
  tensors: Readonly<Record<string, Tensor>>,
): Promise<{ run(): Promise<number>; result(): Promise<Tensor>; dispose(): Promise<void> }> {
  const { device } = component;
  const session = await device.load(component.lower(graph));
  const inputs = Object.fromEntries(
    await Promise.all(
      Object.entries(tensors).map(async ([name, tensor]) => [name, await device.upload(tensor)] as const),
    ),
  );
  const step = { session, feeds: { x: 'x', w: 'w' }, results: { y: 'y' }, release: [] };
  return {
    async run() {
      const { kept, durations } = await device.run({ inputs, steps: [step], outputs: { y: 'keep' } });
      await device.free(Object.values(kept));
      return durations[0] as number;
    },
    async result() {
      return (await device.run({ inputs, steps: [step], outputs: { y: 'download' } })).downloaded['y'] as Tensor;
    },
    async dispose() {
      await device.free(Object.values(inputs));
      await device.unload(session);
    },
  };
}

function plainGraph(): Graph {
  return graphOf('float32', 'float32', 'float32', [node('MatMul', ['x', 'w'], ['y'])]);
}

function int8Graph(): Graph {
  return graphOf('float32', 'int8', 'float32', [
    node('DynamicQuantizeLinear', ['x'], ['codes', 'scale', 'zero']),
    node('MatMulIntegerToFloat', ['codes', 'w', 'scale', 'one', 'zero'], ['y'], 'com.microsoft'),
  ]);
}

function sumGraph(): Graph {
  return graphOf('uint8', 'int8', 'int32', [node('MatMulInteger', ['x', 'w'], ['y'])]);
}

function node(op: string, inputs: readonly string[], outputs: readonly string[], domain = ''): GraphNode {
  return { op, domain, name: op, inputs, outputs, attributes: {} };
}

function graphOf(
  x: 'float32' | 'uint8',
  w: 'float32' | 'int8',
  y: 'float32' | 'int32',
  nodes: readonly GraphNode[],
): Graph {
  return new Graph({
    name: 'int8.measurement',
    nodes,
    weights: [],
    shapes: new Map(),
    inputs: [
      { name: 'x', type: x, rank: 2 },
      { name: 'w', type: w, rank: 2 },
    ],
    outputs: [{ name: 'y', type: y, rank: 2 }],
    constants: [{ name: 'one', type: 'float32', dims: [], data: [1] }],
  });
}
