import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, isThimbleError } from '@thimble/core';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { TextualInversionPlugin } from '../src/index.js';
import { FixtureCase, replayRun } from './oracle.js';
import { writeInversion } from './writeInversion.js';

const FIXTURES = fileURLToPath(new URL('../../core/test/fixtures/', import.meta.url));
const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const fileOf = (name: string): string => `${FIXTURES}textual-inversion/${name}.safetensors`;
const folder = mkdtempSync(join(tmpdir(), 'thimble-inversion-'));

let fixture: FixtureCase;
let pipe: DiffusionPipeline;

beforeAll(async () => {
  fixture = await FixtureCase.open('textual-inversion');
});
afterEach(async () => {
  for (const handle of [...pipe.plugins].reverse()) await handle.remove();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function failuresOf(run: string): Promise<readonly unknown[]> {
  return Object.entries(await replayRun(pipe, fixture, run)).filter(([, times]) => !(times <= 1));
}

async function idsExcess(call: string, tokenizer = 'tokenizer'): Promise<number> {
  const ids = pipe.tokenizers[tokenizer]!.encode(fixture.call(call).args['prompts'] as string[]).input_ids;
  return fixture.excess(call, 'input_ids', ids);
}

/** What a plugin was refused for. */
async function causeOf(plugin: TextualInversionPlugin): Promise<unknown> {
  const error = await pipe.use(plugin).catch((thrown: unknown) => thrown);
  return isThimbleError(error, 'ERR_PLUGIN_APPLY') ? error.cause : error;
}

describe('with Stable Diffusion', () => {
  const both = (): TextualInversionPlugin =>
    new TextualInversionPlugin([{ file: fileOf('toy') }, { file: fileOf('badhands') }]);
  const prompts = ['a photo of <sks-toy> on a beach', 'badhands'];

  beforeAll(async () => {
    pipe = await DiffusionPipeline.fromPretrained(`${FIXTURES}sd-tiny`, INLINE);
  });
  afterAll(async () => pipe.dispose());

  test('prompts have the ids that diffusers gives them', async () => {
    await pipe.use(both());
    expect(await idsExcess('sd.tokenizer')).toBe(0);
  });

  test('a run is what diffusers makes of it', async () => {
    await pipe.use(both());
    expect(await failuresOf('sd.pipeline.inversion')).toEqual([]);
  });

  // Diffusers compares with the prompt in lower case, so that such a token is never all of its vectors.
  test('a token with capitals is all of its vectors, where it is written so', async () => {
    await pipe.use(new TextualInversionPlugin({ file: fileOf('toy'), token: '<Sks-Toy>' }));
    const ids = (prompt: string): number[] =>
      [...(pipe.tokenizer.encode(prompt).input_ids.data as BigInt64Array)].map(Number);
    expect(ids('<Sks-Toy>').slice(1, 5)).toEqual([49408, 49409, 49410, 49407]);
    expect(ids('<sks-toy>').slice(1, 3)).toEqual([49408, 49407]);
    expect(pipe.tokenizer.decode([49408, 49409])).toBe('<Sks-Toy><Sks-Toy>_1');
  });

  test('nothing of it is left once it is removed', async () => {
    const { tokenizer, components } = pipe;
    const before = tokenizer.encode(prompts).input_ids.data;
    const { input_ids } = tokenizer.encode(prompts);
    const encoded = async (): Promise<unknown> =>
      (await components['text_encoder']!.call({ input_ids }))['last_hidden_state']!.data;
    const plain = await encoded();
    const handle = await pipe.use(both());
    expect(tokenizer.encode(prompts).input_ids.data).not.toEqual(before);
    await handle.remove();
    expect(tokenizer.encode(prompts).input_ids.data).toEqual(before);
    expect(await encoded()).toEqual(plain);
    expect(() => tokenizer.decode([49408])).toThrow(/ids of tokens/);
    expect(Object.values(pipe.hooks).flatMap((hook) => hook.owners())).toEqual([]);
  });

  test.each([
    ['ModelOffloadPlugin', () => new ModelOffloadPlugin()],
    ['SequentialOffloadPlugin', () => new SequentialOffloadPlugin()],
  ])('its vectors are there under %s', async (_, create) => {
    const run = { numInferenceSteps: 1, width: 32, height: 32, seed: 1, outputType: 'latent' as const };
    await pipe.use(both());
    const plain = (await pipe.generate(prompts[0]!, run)).images.data;
    expect(plain).not.toEqual((await pipe.generate('a photo of a cat on a beach', run)).images.data);
    await pipe.use(create());
    expect((await pipe.generate(prompts[0]!, run)).images.data).toEqual(plain);
  });

  test('a plugin that is there before the checkpoint teaches it when it is opened', async () => {
    await using other = await DiffusionPipeline.fromPretrained(`${FIXTURES}sd-tiny`, { ...INLINE, plugins: [both()] });
    await other.generate('<sks-toy>', { numInferenceSteps: 1, width: 32, height: 32, outputType: 'latent' });
    expect(other.tokenizer.encode('<sks-toy>').input_ids.data[1]).toBe(49408n);
  });

  test('a file of one vector, and one of AUTOMATIC1111 under a name of its own', async () => {
    const one = await writeInversion(folder, 'one', { '<one>': [32] });
    await pipe.use(new TextualInversionPlugin([{ file: one }, { file: fileOf('badhands'), token: '<worse>' }]));
    const ids = pipe.tokenizer.encode('<one> <worse>').input_ids.data;
    expect([...ids].slice(1, 5)).toEqual([49408n, 49409n, 49410n, 49407n]);
  });

  test.each([
    ['a word of the vocabulary', { token: 'cat' }, 'ERR_EMBEDDING_TOKEN'],
    ['the same in capitals', { token: 'Cat' }, 'ERR_EMBEDDING_TOKEN'],
    ['what is longer than a word can be', { token: 'a'.repeat(50_000) }, 'ERR_EMBEDDING_TOKEN'],
    ['a special token', { token: '<|endoftext|>' }, 'ERR_EMBEDDING_TOKEN'],
  ])('refuses as a token %s', async (_, options, code) => {
    expect(await causeOf(new TextualInversionPlugin({ file: fileOf('toy'), ...options }))).toMatchObject({ code });
    expect([...pipe.tokenizer.encode('cat').input_ids.data].slice(1, 3)).toEqual([2368n, 49407n]);
  });

  test('refuses one token twice, and takes none of both', async () => {
    const twice = [{ file: fileOf('toy') }, { file: fileOf('badhands'), token: '<SKS-TOY>' }];
    expect(await causeOf(new TextualInversionPlugin(twice))).toMatchObject({ code: 'ERR_EMBEDDING_TOKEN' });
    expect(() => pipe.tokenizer.decode([49408])).toThrow(/ids of tokens/);
  });

  test('refuses files that are none, and those for other text encoders', async () => {
    const files: readonly (readonly [string, string])[] = [
      [await writeInversion(folder, 'two', { a: [1, 32], b: [1, 32] }), 'ERR_EMBEDDING_FILE'],
      [await writeInversion(folder, 'deep', { '<deep>': [1, 2, 32] }), 'ERR_EMBEDDING_FILE'],
      [await writeInversion(folder, 'nan', { '<nan>': [1, 32] }, () => NaN), 'ERR_EMBEDDING_FILE'],
      [await writeInversion(folder, 'uneven', { clip_l: [1, 32], clip_g: [2, 48] }), 'ERR_EMBEDDING_FILE'],
      [await writeInversion(folder, 'wide', { '<wide>': [1, 48] }), 'ERR_EMBEDDING_WIDTH'],
      [join(folder, 'none.safetensors'), 'ERR_FILE_NOT_FOUND'],
    ];
    for (const [file, code] of files)
      expect(await causeOf(new TextualInversionPlugin({ file }))).toMatchObject({ code });
  });

  test.each([[[]], [{}], [{ file: '' }], [{ file: 'x', nope: 1 }], [5]])('refuses the options %j', (options) => {
    expect(() => new TextualInversionPlugin(options as never)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    );
  });
});

describe('with Stable Diffusion XL', () => {
  const xl = (): TextualInversionPlugin => new TextualInversionPlugin({ file: fileOf('xl'), token: '<sks-toy>' });

  beforeAll(async () => {
    pipe = await DiffusionPipeline.fromPretrained(`${FIXTURES}sdxl-tiny`, INLINE);
  });
  afterAll(async () => pipe.dispose());

  test('both text encoders have vectors of their own', async () => {
    await pipe.use(xl());
    expect(await idsExcess('sdxl.tokenizer')).toBe(0);
    expect(await idsExcess('sdxl.tokenizer_2', 'tokenizer_2')).toBe(0);
    expect(await failuresOf('sdxl.pipeline.inversion')).toEqual([]);
  });

  test('a file for one of them alone is refused', async () => {
    expect(await causeOf(new TextualInversionPlugin({ file: fileOf('toy') }))).toMatchObject({
      code: 'ERR_EMBEDDING_WIDTH',
      details: { component: 'text_encoder_2', got: 32, expected: 48 },
    });
  });
});

test('a pipeline without such a text encoder is refused', async () => {
  pipe = await DiffusionPipeline.fromPretrained(`${FIXTURES}sd-tiny/vae`, INLINE);
  expect(await causeOf(new TextualInversionPlugin({ file: fileOf('toy') }))).toMatchObject({
    code: 'ERR_EMBEDDING_ENCODER',
  });
  await pipe.dispose();
});
