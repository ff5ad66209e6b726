import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DiffusionPipeline, Tensor } from '@thimble/core';
import { readWeight } from '@thimble/core/plugin';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { LoraPlugin } from '../src/index.js';
import { numbers, randomTensors, writeLora } from './RandomLora.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-lora-formulas-'));
let pipe: DiffusionPipeline;

beforeAll(async () => {
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
  pipe = await createTestPipeline({ device: 'inline' });
});
afterAll(async () => {
  await pipe.dispose();
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

type Factors = Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;
/** An element of a change, in float64: of output `o`, input `i` and pixel `t` of the window. */
type Element = (
  of: (name: string, ...index: number[]) => number,
  size: (name: string, axis: number) => number,
) => (o: number, i: number, t: number) => number;

function sum(count: number, term: (at: number) => number): number {
  let total = 0;
  for (let at = 0; at < count; at++) total += term(at);
  return total;
}

const LINEAR = 'mid_block.attentions.0.transformer_blocks.0.attn1.to_q';
const GATE = 'mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj';
const CONV = 'mid_block.resnets.0.conv1';
const [SCALE, ALPHA] = [0.7, 1.5];

interface Formula {
  readonly layer: string;
  /** Shapes of the factors; [out, in, window] is the layer's. */
  readonly shapes: (
    out: number,
    inner: number,
    window: readonly number[],
  ) => Readonly<Record<string, readonly number[]>>;
  readonly element: Element;
  /** What alpha is divided by; 0 where alpha has no meaning. */
  readonly rank: number;
}

const loha = (layer: string): Formula => ({
  layer,
  shapes: (out, inner, window) => {
    const columns = window.reduce((a, b) => a * b, inner);
    return { hada_w1_a: [out, 3], hada_w1_b: [3, columns], hada_w2_a: [out, 3], hada_w2_b: [3, columns], alpha: [] };
  },
  element: (of, size) => (o, i, t) => {
    const taps = size('hada_w1_b', 1) / size('inner', 0);
    const side = (n: number): number => sum(3, (r) => of(`hada_w${n}_a`, o, r) * of(`hada_w${n}_b`, r, i * taps + t));
    return side(1) * side(2);
  },
  rank: 3,
});

const FORMULAS: Readonly<Record<string, Formula>> = {
  'LoCon with a core': {
    layer: CONV,
    shapes: (out, inner, window) => ({
      'lora_up.weight': [out, 2, 1, 1],
      'lora_mid.weight': [2, 3, ...window],
      'lora_down.weight': [3, inner, 1, 1],
      alpha: [],
    }),
    element: (of) => (o, i, t) =>
      sum(2, (r) =>
        sum(3, (s) => of('lora_up.weight', o, r) * of('lora_mid.weight', r, s, t) * of('lora_down.weight', s, i)),
      ),
    rank: 3,
  },
  'LoHa of a linear layer': loha(LINEAR),
  'LoHa of a layer whose halves are used apart': loha(GATE),
  'LoHa of a convolution': loha(CONV),
  'LoHa of a convolution, with cores': {
    layer: CONV,
    shapes: (out, inner, window) => ({
      hada_t1: [3, 3, ...window],
      hada_w1_a: [3, out],
      hada_w1_b: [3, inner],
      hada_t2: [3, 3, ...window],
      hada_w2_a: [3, out],
      hada_w2_b: [3, inner],
      alpha: [],
    }),
    element: (of) => (o, i, t) => {
      const side = (n: number): number =>
        sum(3, (r) => sum(3, (s) => of(`hada_w${n}_a`, r, o) * of(`hada_t${n}`, r, s, t) * of(`hada_w${n}_b`, s, i)));
      return side(1) * side(2);
    },
    rank: 3,
  },
  'LoKr of whole matrices': {
    layer: GATE,
    shapes: (out, inner) => ({ lokr_w1: [4, 2], lokr_w2: [out / 4, inner / 2], alpha: [] }),
    element: (of, size) => (o, i) => {
      const [rows, columns] = [size('lokr_w2', 0), size('lokr_w2', 1)];
      return of('lokr_w1', Math.floor(o / rows), Math.floor(i / columns)) * of('lokr_w2', o % rows, i % columns);
    },
    rank: 0,
  },
  'LoKr of products': {
    layer: LINEAR,
    shapes: (out, inner) => ({
      lokr_w1_a: [2, 2],
      lokr_w1_b: [2, 4],
      lokr_w2_a: [out / 2, 2],
      lokr_w2_b: [2, inner / 4],
      alpha: [],
    }),
    element: (of, size) => (o, i) => {
      const [rows, columns] = [size('lokr_w2_a', 0), size('lokr_w2_b', 1)];
      const left = sum(
        2,
        (r) => of('lokr_w1_a', Math.floor(o / rows), r) * of('lokr_w1_b', r, Math.floor(i / columns)),
      );
      return left * sum(2, (r) => of('lokr_w2_a', o % rows, r) * of('lokr_w2_b', r, i % columns));
    },
    rank: 2,
  },
  'LoKr of a convolution, with a core': {
    layer: CONV,
    shapes: (out, inner, window) => ({
      lokr_w1: [2, 4],
      lokr_t2: [3, 3, ...window],
      lokr_w2_a: [3, out / 2],
      lokr_w2_b: [3, inner / 4],
      alpha: [],
    }),
    element: (of, size) => (o, i, t) => {
      const [rows, columns] = [size('lokr_w2_a', 1), size('lokr_w2_b', 1)];
      const right = sum(3, (r) =>
        sum(3, (s) => of('lokr_w2_a', r, o % rows) * of('lokr_t2', r, s, t) * of('lokr_w2_b', s, i % columns)),
      );
      return of('lokr_w1', Math.floor(o / rows), Math.floor(i / columns)) * right;
    },
    rank: 3,
  },
};

/** The elements of a change, in float64. */
function deltaOf({ element, rank }: Formula, tensors: Factors, shape: readonly number[]): Float64Array {
  const [out, inner, ...window] = shape as [number, number, ...number[]];
  const taps = window.reduce((a, b) => a * b, 1);
  const size = (name: string, axis: number): number => (name === 'inner' ? inner : tensors[name]!.shape[axis]!);
  const of = (name: string, ...index: number[]): number => {
    const { shape: own, data } = tensors[name]!;
    // Sizes of the window, if there are, are one axis; those of 1 at the end are none.
    const sizes = index.length > 2 ? [own[0]!, own[1]!, taps] : [own[0]!, own[1]!];
    return data[index.reduce((at, i, axis) => at * sizes[axis]! + i, 0)]!;
  };
  const at = element(of, size);
  const factor = rank === 0 ? 1 : ALPHA / rank;
  const delta = new Float64Array(out * inner * taps);
  for (let o = 0; o < out; o++)
    for (let i = 0; i < inner; i++)
      for (let t = 0; t < taps; t++) delta[(o * inner + i) * taps + t] = factor * at(o, i, t);
  return delta;
}

async function outputOf(): Promise<Float32Array> {
  const { cross_attention_dim: features } = pipe.components['unet']!.config as { cross_attention_dim: number };
  const { sample } = await pipe.components['unet']!.call({
    sample: new Tensor('float32', numbers(4 * 64, 1), [1, 4, 8, 8]),
    timestep: new Tensor('int64', [500n], [1]),
    encoder_hidden_states: new Tensor('float32', numbers(7 * features, 2), [1, 7, features]),
  });
  return sample!.data as Float32Array;
}

function largest(values: Iterable<number>): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

test.each(Object.entries(FORMULAS))(
  '%s is what its formula says, merged and beside the layer',
  async (name, formula) => {
    const { weights } = pipe.components['unet']!;
    const base = weights.find(`${formula.layer}.weight`)!;
    const [out, inner, ...window] = base.shape as [number, number, ...number[]];
    const tensors = randomTensors(formula.shapes(out, inner, window), 0.6);
    const flat = `lora_unet_${formula.layer.replaceAll('.', '_')}`;
    const file = await writeLora(
      folder,
      name.replaceAll(/\W+/g, '-'),
      Object.fromEntries(Object.entries(tensors).map(([factor, tensor]) => [`${flat}.${factor}`, tensor])),
    );
    const delta = deltaOf(formula, tensors, base.shape);
    const before = await readWeight(base);
    const plain = await outputOf();

    const fused = await pipe.use(new LoraPlugin([{ file, scale: SCALE }], { mode: 'fuse' }));
    const after = await readWeight(pipe.components['unet']!.weights.find(`${formula.layer}.weight`)!);
    const want = await outputOf();
    await fused.remove();
    const off = after.map((value, i) => value - (before[i]! + SCALE * delta[i]!));
    expect(largest(delta)).toBeGreaterThan(0.01);
    expect(largest(off)).toBeLessThan(2e-6 * Math.max(1, largest(after)));

    const branch = await pipe.use(new LoraPlugin([{ file, scale: SCALE }]));
    const got = await outputOf();
    await branch.remove();
    const change = largest(want.map((value, i) => value - plain[i]!));
    expect(change).toBeGreaterThan(1e-3);
    expect(largest(got.map((value, i) => value - want[i]!))).toBeLessThan(change / 1000);
    expect(await outputOf()).toEqual(plain);
  },
);
