import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type Plugin, Tensor } from '@thimble/core';
import {
  ConfigReader,
  Embedding,
  Model,
  type ModelConfig,
  type ModelEntry,
  mul,
  segment,
  type Value,
} from '@thimble/core/model';
import {
  MODELS,
  type PluginContext,
  readWeight,
  registerStorageFormat,
  SafetensorsFile,
  storageFormatNames,
} from '@thimble/core/plugin';
import { blockFormats, GgufFile, GgufPlugin } from '../src/index.js';
import { writeGguf } from './support/writeGguf.mjs';

/** What gguf's own Python package makes of blocks of each type. */
const CASE = fileURLToPath(new URL('../../core/test/fixtures/gguf', import.meta.url));

interface Call {
  readonly name: string;
  readonly args: { readonly type: string; readonly type_id: number };
  readonly in: { readonly data: string };
  readonly out: {
    readonly values: { readonly tensor: string; readonly shape: readonly number[]; readonly atol: number };
  };
}
const calls = (JSON.parse(readFileSync(join(CASE, 'case.json'), 'utf8')) as { calls: readonly Call[] }).calls.filter(
  ({ name }) => name.startsWith('dequantize.'),
);

let folder: string;
let tensors: SafetensorsFile;
const registered: Disposable[] = [];

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-gguf-')));
  tensors = await SafetensorsFile.open(join(CASE, 'case.safetensors'));
  registered.push(...blockFormats.map((format) => registerStorageFormat(format)));
});
afterAll(() => {
  for (const each of registered) each[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** A model of one weight, as whatever multiplies sees it (whole, and its last row) and as a table whose rows are gathered. */
class OneWeight extends Model {
  static readonly componentName = 'one';
  readonly className = 'OneWeight';
  readonly config: ModelConfig;
  readonly table: Embedding;
  readonly entries: Readonly<Record<string, ModelEntry>>;

  private constructor(config: ModelConfig, rows: number, width: number) {
    super();
    this.config = config;
    this.table = new Embedding(rows, width);
    const inputs: ModelEntry['inputs'] = {
      x: { types: ['float32'], dims: [rows, width] },
      ids: { types: ['int64'], dims: ['batch', 'tokens'] },
    };
    const outputs = ['whole', 'last', 'gathered'];
    this.entries = { call: { inputs, nominal: {}, outputs, forward: (given) => this.#forward(given, rows, width) } };
  }

  static fromConfig(config: ModelConfig): OneWeight {
    const reader = new ConfigReader('OneWeight', config);
    return new OneWeight(config, reader.size('rows'), reader.size('width'));
  }

  #forward({ x, ids }: Readonly<Record<string, Value>>, rows: number, width: number): Record<string, Value> {
    return segment('all', { x: x as Value, ids: ids as Value }, (inner) => ({
      whole: mul(inner.x, this.table.weight.in(inner.x)),
      last: mul(inner.x, this.table.weight.in(inner.x, [1, width], [rows - 1, 1])),
      gathered: this.table.forward(inner.ids),
    }));
  }
}

/** Brings the model, as a package of models does. */
class OneWeightPlugin implements Plugin {
  readonly name = 'test:one-weight';
  apply(context: PluginContext): void {
    context.provide(MODELS, { OneWeight });
  }
}

/** A folder with a model whose weights are a GGUF file, whatever it is called. */
async function checkpointOf(call: Call): Promise<string> {
  const path = join(folder, call.name);
  const [rows = 1, width = 1] = call.out.values.shape;
  mkdirSync(path);
  writeFileSync(join(path, 'config.json'), JSON.stringify({ _class_name: 'OneWeight', rows, width }));
  const data = await tensors.read(call.in.data);
  const tensor = { name: 'table.weight', sizes: [width, rows], type: call.args.type_id, data };
  writeFileSync(join(path, 'diffusion_pytorch_model.safetensors'), writeGguf({ tensors: [tensor] }));
  return path;
}

/** The largest distance, in units of what is allowed; values that are no numbers must be so in both. */
function excess(got: Float32Array, want: Float32Array, atol: number): number {
  expect(got).toHaveLength(want.length);
  return want.reduce((worst, value, i) => {
    if (Number.isNaN(value) && Number.isNaN(got[i])) return worst;
    return Object.is(value, got[i]) ? worst : Math.max(worst, Math.abs(value - got[i]!) / (atol || Number.MIN_VALUE));
  }, 0);
}

describe.each(calls.map((call) => [call.name, call] as const))('%s', (_name, call) => {
  let checkpoint: string;
  let read: Float32Array;
  const [rows = 1, width = 1] = call.out.values.shape;

  test('is read as the format says', async () => {
    checkpoint = await checkpointOf(call);
    const file = await GgufFile.open(join(checkpoint, 'diffusion_pytorch_model.safetensors'));
    const view = file.tensors.get('table.weight')!;
    expect(view).toMatchObject({ dtype: call.args.type, shape: [rows, width] });
    read = await readWeight(view);
    const want = await tensors.readFloat32(call.out.values.tensor);
    expect(excess(read, want, call.out.values.atol)).toBeLessThanOrEqual(1);
  });

  test('is widened in graphs to the same, whole, by rows and as rows of a table', async () => {
    await using pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
      plugins: [new GgufPlugin(), new OneWeightPlugin()],
      deviceOptions: { inline: true, threads: 1 },
    });
    const ones = new Tensor('float32', new Float32Array(rows * width).fill(1), [rows, width]);
    const { whole, last, gathered } = await pipe.components['one']!.call({
      x: ones,
      ids: new Tensor('int64', [1n, 0n, 1n], [1, 3]),
    });
    const lastRow = read.slice((rows - 1) * width);
    expect(whole!.data).toEqual(read);
    expect((last!.data as Float32Array).slice(0, width)).toEqual(lastRow);
    expect(gathered!.dims).toEqual([1, 3, width]);
    expect(gathered!.data).toEqual(Float32Array.from([...lastRow, ...read.slice(0, width), ...lastRow]));
  });
});

test('there is a case for each format', () => {
  const types = new Set(calls.map(({ args }) => args.type));
  expect(blockFormats.filter(({ dtype }) => !types.has(dtype))).toEqual([]);
});

test('the formats are there while a pipeline has the plugin', async () => {
  expect(storageFormatNames()).toContain('Q4_0');
  for (const each of registered.splice(0)) each[Symbol.dispose]();
  expect(storageFormatNames()).not.toContain('Q4_0');
});
