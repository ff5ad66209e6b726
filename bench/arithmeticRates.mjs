import { Graph } from '../packages/core/dist/plugin.js';
import { Tensor } from '../packages/core/dist/index.js';

const [ROWS, INNER, COLUMNS] = [4096, 3840, 10_240];
const ROUNDS = 5;

const node = (op, inputs, outputs, domain = '') => ({ op, domain, name: op, inputs, outputs, attributes: {} });

const PRODUCTS = {
  float32: [node('MatMul', ['x', 'w'], ['y'])],
  int8: [
    node('DynamicQuantizeLinear', ['x'], ['codes', 'scale', 'zero']),
    node('MatMulIntegerToFloat', ['codes', 'w', 'scale', 'one', 'zero'], ['y'], 'com.microsoft'),
  ],
};

/**
 * How many multiplications with an addition onnxruntime's own kernels do in a second on a component's device: the best of five products
 * [4096, 3840] × [3840, 10240], in float32 and in int8.
 */
export async function arithmeticRates(component) {
  const rates = {};
  for (const type of ['float32', 'int8']) rates[type] = (ROWS * INNER * COLUMNS) / (await best(component, type));
  return rates;
}

/** The least seconds of {@link ROUNDS}. */
async function best(component, type) {
  const { device } = component;
  const graph = new Graph({
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

  const values = (Kind, count, amplitude) => Kind.from({ length: count }, (_, i) => Math.sin(i) * amplitude);
  const weights = type === 'int8' ? values(Int8Array, INNER * COLUMNS, 60) : values(Float32Array, INNER * COLUMNS, 1);
  const session = await device.load(component.lower(graph));
  const inputs = {
    x: await device.upload(new Tensor('float32', values(Float32Array, ROWS * INNER, 1), [ROWS, INNER])),
    w: await device.upload(new Tensor(type, weights, [INNER, COLUMNS])),
  };
  const step = { session, feeds: { x: 'x', w: 'w' }, results: { y: 'y' }, release: [] };
  try {
    let least = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const { kept, durations } = await device.run({ inputs, steps: [step], outputs: { y: 'keep' } });
      await device.free(Object.values(kept));
      least = Math.min(least, durations[0] / 1000);
    }
    return least;
  } finally {
    await device.free(Object.values(inputs));
    await device.unload(session);
  }
}
