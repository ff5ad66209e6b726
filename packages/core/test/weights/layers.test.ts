import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Component } from '../../src/execution/Component.js';
import { createHooks } from '../../src/hooks/manifest.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { sourcesOf } from '../../src/weights/keymaps/KeyMap.js';
import { overlay } from '../../src/weights/layers/overlay.js';
import { type KeySource, remapped } from '../../src/weights/layers/remapped.js';
import { identityOf, sliceRows, swapHalves, type TensorView, transposeView } from '../../src/weights/TensorView.js';
import { contentsOf, storeOf } from '../../src/weights/WeightStore.js';
import { fixturePath } from '../support/fixturePath.js';
import { openComponent } from '../support/openComponent.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-layers-')));
afterAll(() => rmSync(folder, { recursive: true }));

const matrix: TensorView = { name: 'm', dtype: 'F16', shape: [12, 4], file: '/f', offset: 100, byteLength: 96 };

describe('views', () => {
  test('of rows are ranges of the same file', () => {
    expect(sliceRows(matrix, 4, 8)).toEqual({ ...matrix, shape: [8, 4], offset: 132, byteLength: 64 });
    expect(sliceRows(matrix, 0, 12)).toBe(matrix);
    const scale: TensorView = { name: 's', dtype: 'F32', shape: [12], file: '/g', offset: 0, byteLength: 48 };
    expect(sliceRows({ ...matrix, scale }, 2, 3).scale).toEqual({ ...scale, shape: [3], offset: 8, byteLength: 12 });
  });

  test('of a transpose keep the whole matrix and say which columns', () => {
    const turned = transposeView(matrix);
    expect(turned).toEqual({ ...matrix, shape: [4, 12], transposed: { start: 0, of: 4 } });
    expect(sliceRows(sliceRows(turned, 1, 3), 1, 2)).toEqual({
      ...turned,
      shape: [2, 12],
      transposed: { start: 2, of: 4 },
    });
  });

  test('of halves the other way round are plain rows, but for those of both halves', () => {
    const turned = swapHalves(matrix);
    expect(sliceRows(turned, 1, 3)).toEqual({ ...matrix, shape: [3, 4], offset: 156, byteLength: 24 });
    expect(sliceRows(turned, 6, 6)).toEqual({ ...matrix, shape: [6, 4], offset: 100, byteLength: 48 });
    expect(sliceRows(turned, 0, 12)).toBe(turned);
    expect(() => sliceRows(turned, 5, 2)).toThrow(/rows of one half/);
    const scale: TensorView = { name: 's', dtype: 'F32', shape: [], file: '/g', offset: 0, byteLength: 4 };
    expect(sliceRows({ ...matrix, scale }, 2, 3).scale).toBe(scale);
  });

  test.each([
    ['halves of an odd number of rows', () => swapHalves({ ...matrix, shape: [3, 16] })],
    ['halves of halves', () => swapHalves(swapHalves(matrix))],
    ['rows that there are not', () => sliceRows(matrix, 8, 5)],
    ['no rows', () => sliceRows(matrix, 8, 0)],
    ['rows that end within a byte', () => sliceRows({ ...matrix, dtype: 'Q4_0', shape: [32], byteLength: 18 }, 0, 5)],
    ['the transpose of a vector', () => transposeView({ ...matrix, shape: [48] })],
    ['the transpose of a transpose', () => transposeView(transposeView(matrix))],
  ])('refuse %s', (_what, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }));
  });

  test('are told apart by what they show of a file', () => {
    const turned = transposeView({ ...matrix, shape: [4, 12] });
    const scale = { ...matrix, offset: 0 };
    const all = [matrix, sliceRows(matrix, 0, 6), sliceRows(matrix, 6, 6), turned, sliceRows(turned, 0, 6)];
    const more = [sliceRows(turned, 6, 6), { ...matrix, scale }, { ...matrix, scale: { ...scale, offset: 4 } }];
    const named = [...all, ...more, swapHalves(matrix)].map((view) => JSON.stringify(identityOf(view, () => 'digest')));
    expect(new Set(named).size).toBe(9);
  });
});

test('a key map shares the rows of a fused tensor out, equally or not', () => {
  const map = {
    rules: [
      { from: 'qkvm', to: ['q', 'k', 'v', 'mlp'], shares: [1, 1, 1, 3] },
      { from: 'qk', to: ['a', 'b'] },
    ],
  };
  const sources = sourcesOf(
    map,
    new Map([
      ['qkvm', matrix],
      ['qk', matrix],
    ]),
    '',
  );
  expect([...sources].map(([name, { rows }]) => [name, rows])).toEqual([
    ['q', [0, 2]],
    ['k', [2, 2]],
    ['v', [4, 2]],
    ['mlp', [6, 6]],
    ['a', [0, 6]],
    ['b', [6, 6]],
  ]);
});

describe('stores', () => {
  const kernel = { ...matrix, shape: [4, 4, 3, 1] };
  const store = storeOf(
    new Map([
      ['fused', matrix],
      ['pointwise', { ...matrix, shape: [12, 4, 1, 1] }],
      ['kernel', kernel],
    ]),
  );

  test('rename and cut', () => {
    const sources = new Map<string, KeySource>([
      ['q', { key: 'fused', rows: [0, 4] }],
      ['v', { key: 'fused', rows: [8, 4] }],
      ['t', { key: 'fused', transposed: true, rows: [1, 2] }],
      ['conv', { key: 'pointwise', squeezed: true }],
      ['whole', { key: 'kernel', squeezed: true }],
      ['gone', { key: 'missing' }],
    ]);
    const layer = remapped(store, sources);
    expect([...layer.keys()]).toEqual(['q', 'v', 't', 'conv', 'whole']);
    expect([layer.find('conv'), layer.find('whole')]).toEqual([matrix, kernel]);
    expect(layer.find('v')).toEqual(sliceRows(matrix, 8, 4));
    expect(layer.find('t')).toEqual(sliceRows(transposeView(matrix), 1, 2));
    expect([layer.find('gone'), layer.find('fused')]).toEqual([undefined, undefined]);
  });

  test('lie on top of one another', () => {
    const other = { ...matrix, file: '/other' };
    const layer = overlay(
      store,
      new Map([
        ['fused', other],
        ['new', matrix],
      ]),
    );
    expect([...layer.keys()]).toEqual(['fused', 'pointwise', 'kernel', 'new']);
    expect([layer.find('fused'), layer.find('new'), layer.find('x')]).toEqual([other, matrix, undefined]);
  });

  test('are the same where all lies in the same places', () => {
    const again = storeOf(new Map([...store.keys()].map((key) => [key, { ...store.find(key)! }])));
    expect(contentsOf(again)).toBe(contentsOf(store));
    expect(contentsOf(overlay(store, new Map()))).toBe(contentsOf(store));
    expect(contentsOf(overlay(store, new Map([['fused', sliceRows(matrix, 0, 6)]])))).not.toBe(contentsOf(store));
  });
});

describe('a text encoder whose checkpoint is another one', () => {
  const LAYER = /^(text_model\.encoder\.layers\.\d+\.self_attn)\.q_proj\.(weight|bias)$/;

  /** Fuses queries, keys and values, stores output projections transposed, and tells where each weight is to be found. */
  async function rewrite(checkpoint: Component['checkpoint']): Promise<[SafetensorsFile, Map<string, KeySource>]> {
    const file = await SafetensorsFile.open(checkpoint.files[0]!);
    const tensors = new Map<string, TensorToWrite>();
    const sources = new Map<string, KeySource>();
    const floats = (values: Float32Array, shape: readonly number[]): TensorToWrite => ({
      dtype: 'F32',
      shape,
      data: new Uint8Array(values.buffer),
    });
    for (const [key, { shape }] of file.tensors) {
      const [, layer, kind] = LAYER.exec(key) ?? [];
      if (layer !== undefined) {
        const parts = await Promise.all(
          ['q', 'k', 'v'].map(async (name) => file.readFloat32(`${layer}.${name}_proj.${kind}`)),
        );
        const [rows = 0, ...rest] = shape;
        tensors.set(
          `${layer}.in_proj_${kind}`,
          floats(Float32Array.from(parts.flatMap((part) => [...part])), [3 * rows, ...rest]),
        );
        for (const [i, name] of ['q', 'k', 'v'].entries())
          sources.set(`${layer}.${name}_proj.${kind}`, { key: `${layer}.in_proj_${kind}`, rows: [i * rows, rows] });
      } else if (key.endsWith('out_proj.weight')) {
        const [rows = 0, columns = 0] = shape;
        const values = await file.readFloat32(key);
        const turned = Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!);
        tensors.set(`${key}.T`, floats(turned, [columns, rows]));
        sources.set(key, { key: `${key}.T`, transposed: true });
      } else if (!/[kv]_proj/.test(key)) {
        tensors.set(key, floats(await file.readFloat32(key), shape));
        sources.set(key, { key });
      }
    }
    const path = join(folder, 'rewritten.safetensors');
    await writeSafetensors(path, tensors);
    return [await SafetensorsFile.open(path), sources];
  }

  test('gives the same from fused and transposed weights as from its own', async () => {
    const hooks = createHooks();
    const component = await openComponent(fixturePath('sd-tiny'), 'text_encoder', { hooks });
    const ids = new Tensor(
      'int64',
      BigInt64Array.from({ length: 77 }, (_, i) => BigInt((i * 131) % 1000)),
      [1, 77],
    );
    const output = async (): Promise<Float32Array> =>
      (await component.call({ input_ids: ids }))['last_hidden_state']!.data as Float32Array;
    const plain = await output();
    const [file, sources] = await rewrite(component.checkpoint);
    let stacked = 0;
    const tap = hooks.transformWeights.tap('other checkpoint', () => {
      stacked++;
      return remapped(storeOf(file.tensors), sources);
    });
    const query = [...component.weights.keys()].find((key) => LAYER.test(key))!;
    expect(component.weights.find(query)!.file).toBe(file.path);
    const other = await output();
    expect(Math.max(...other.map((value, i) => Math.abs(value - plain[i]!)))).toBeLessThan(1e-5);
    expect(stacked).toBe(1);
    tap[Symbol.dispose]();
    expect(await output()).toEqual(plain);
    await component.unload();
  });

  test('is refused by name where a layer lacks a weight, or has another shape', async () => {
    const hooks = createHooks();
    const component = await openComponent(fixturePath('sd-tiny'), 'text_encoder', { hooks });
    const [key] = component.weights.keys();
    const lacking = hooks.transformWeights.tap('lacking', (store) => ({
      keys: () => store.keys(),
      find: (asked) => (asked === key ? undefined : store.find(asked)),
    }));
    expect(() => component.weights).toThrow(expect.objectContaining({ code: 'ERR_WEIGHT_MISSING' }));
    lacking[Symbol.dispose]();
    hooks.transformWeights.tap('cut', (store) => overlay(store, new Map([[key!, sliceRows(store.find(key!)!, 0, 1)]])));
    expect(() => component.weights).toThrow(expect.objectContaining({ code: 'ERR_WEIGHT_SHAPE' }));
  });
});
