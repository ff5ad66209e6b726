import { Tensor } from '@thimble/core';
import { type ComponentHandle, type Device, Graph, type GraphNode } from '@thimble/core/plugin';

/** What a device's int8 kernels are like. */
export interface Int8Measurement {
  /** How many times as fast as float32 a product of matrices is, quantising included. */
  readonly speedUp: number;
  /** Largest magnitude that a weight's code may have without its sums saturating. */
  readonly largest: 127 | 63;
}

const SIZE = 512;
const ROUNDS = 5;
/** Sums in pairs of 255 · 127 do not fit in 16 bits, which is where processors without VNNI add them up. */
const WORST = { activation: 255, weight: 127 } as const;

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
  const largest = (await saturates(component)) ? 63 : 127;
  const values = Float32Array.from({ length: SIZE * SIZE }, (_, i) => Math.sin(i));
  const floats = new Tensor('float32', values, [SIZE, SIZE]);
  const codes = new Tensor(
    'int8',
    Int8Array.from(values, (x) => x * largest),
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
    return { speedUp: times.plain / times.int8, largest };
  } finally {
    await plain.dispose();
    await int8.dispose();
  }
}

async function saturates(component: ComponentHandle): Promise<boolean> {
  const [rows, inner, columns] = [16, 64, 16];
  const x = new Tensor('uint8', new Uint8Array(rows * inner).fill(WORST.activation), [rows, inner]);
  const w = new Tensor('int8', new Int8Array(inner * columns).fill(WORST.weight), [inner, columns]);
  const product = await timer(component, sumGraph(), { x, w });
  try {
    const data = (await product.result()).data as Int32Array;
    return data.some((sum) => sum !== inner * WORST.activation * WORST.weight);
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
