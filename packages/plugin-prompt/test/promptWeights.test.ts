import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type GenerateOptions, type PipelineEvent, type Plugin, Tensor } from '@thimble/core';
import { runPluginConformance, createTestPipeline } from '@thimble/plugin-testkit';
import { PROMPT_LORAS, type PromptLora, PromptWeightsPlugin } from '../src/index.js';
import { weighTokens } from '../src/weighTokens.js';

runPluginConformance(() => new PromptWeightsPlugin(), { tolerance: 0, device: 'fake', describe, test });

const LENGTH = 77;

/** What the UNet of a pipeline is called with, last. */
function unetInputs(pipe: DiffusionPipeline): { readonly inputs: Readonly<Record<string, Tensor>> } {
  const seen: { inputs: Readonly<Record<string, Tensor>> } = { inputs: {} };
  pipe.hooks.beforeModelCall.tap('test', ({ component, inputs }) => {
    if (component === 'unet') seen.inputs = inputs;
  });
  return seen;
}

async function events(pipe: DiffusionPipeline, prompt: string, options: GenerateOptions): Promise<PipelineEvent[]> {
  const all: PipelineEvent[] = [];
  for await (const event of pipe.stream(prompt, options)) all.push(event);
  return all;
}

function codesOf(all: readonly PipelineEvent[]): readonly string[] {
  return all.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
}

function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < got.length; i++) worst = Math.max(worst, Math.abs(got[i]! - expected[i]!));
  expect(worst).toBeLessThan(1e-5);
}

/** The formula of the README in float64: every token times its weight, then the chunk's mean restored. */
function weighed(embeds: ArrayLike<number>, weights: ReadonlyMap<number, number>): number[] {
  const width = embeds.length / LENGTH;
  const values = Array.from(embeds, (x, i) => x * (weights.get(Math.floor(i / width)) ?? 1));
  const sum = (list: ArrayLike<number>): number => Array.from(list).reduce((a, b) => a + b, 0);
  return values.map((x) => (x * sum(embeds)) / sum(values));
}

test('the formula, by hand', () => {
  const embeds = new Tensor('float32', Float32Array.of(1, 2, 3, 6, 5, 7, 1, 1), [1, 4, 2]);
  // 1 + 2 + 6 + 12 = 21 in place of 12; the second chunk weighs nothing.
  const { data } = weighTokens(embeds, { weights: [1, 2, 1, 1], length: 2, emphasis: 'original' });
  expectClose(data as Float32Array, [1, 2, 6, 12].map((x) => (x * 12) / 21).concat(5, 7, 1, 1));
  const plain = weighTokens(embeds, { weights: [1, 2, 1, 1], length: 2, emphasis: 'no-norm' });
  expect(Array.from(plain.data as Float32Array)).toEqual([1, 2, 6, 12, 5, 7, 1, 1]);
  expect(embeds.data).toEqual(Float32Array.of(1, 2, 3, 6, 5, 7, 1, 1));
});

test('a mean of zero is left alone', () => {
  const embeds = new Tensor('float32', Float32Array.of(1, -1, 2, 2), [1, 2, 2]);
  const { data } = weighTokens(embeds, { weights: [1, 0], length: 2, emphasis: 'original' });
  expect(Array.from(data as Float32Array)).toEqual([1, -1, 0, 0]);
});

describe('Stable Diffusion', () => {
  const run = { numInferenceSteps: 1, guidanceScale: 3, seed: 1, outputType: 'latent' } as const;
  let pipe: DiffusionPipeline;
  let unet: ReturnType<typeof unetInputs>;

  beforeAll(async () => {
    pipe = await createTestPipeline({ device: 'inline', plugins: [new PromptWeightsPlugin()] });
    unet = unetInputs(pipe);
  });
  afterAll(async () => pipe.dispose());

  /** What the text encoder makes of each chunk. */
  async function encoded(texts: readonly string[]): Promise<Float32Array[]> {
    const all: Float32Array[] = [];
    for (const text of texts) {
      const { input_ids } = pipe.tokenizer.encode(text, { maxLength: LENGTH });
      const { last_hidden_state } = await pipe.components['text_encoder']!.call({ input_ids });
      all.push(last_hidden_state!.data as Float32Array);
    }
    return all;
  }

  /** The embeddings that the UNet was given: negative ones, and those of the prompt, by chunk. */
  function given(): { readonly negative: Float32Array[]; readonly positive: Float32Array[] } {
    const { data, dims } = unet.inputs['encoder_hidden_states'] as Tensor;
    const [count = 0, tokens = 0, width = 0] = dims;
    const chunks = Array.from({ length: (count * tokens) / LENGTH }, (_, i) =>
      (data as Float32Array).slice(i * LENGTH * width, (i + 1) * LENGTH * width),
    );
    return { negative: chunks.slice(0, chunks.length / 2), positive: chunks.slice(chunks.length / 2) };
  }

  test('weighs tokens and restores the mean', async () => {
    const ids = pipe.tokenizer.encode('a cat', { maxLength: 10 }).attention_mask.data as BigInt64Array;
    const red = pipe.tokenizer.encode('red', { maxLength: 10 }).attention_mask.data as BigInt64Array;
    const [before, after] = [ids, red].map((mask) => [...mask].filter((one) => one === 1n).length - 2) as [
      number,
      number,
    ];
    await pipe.generate('a cat (red:1.5)', { ...run, negativePrompt: '[red]' });
    const [cat, negative] = (await encoded(['a cat red', 'red'])) as [Float32Array, Float32Array];
    expect(given().positive).toHaveLength(1);
    const range = (from: number, count: number, weight: number): Map<number, number> =>
      new Map(Array.from({ length: count }, (_, i) => [from + i, weight]));
    expectClose(given().positive[0]!, weighed(cat, range(1 + before, after, 1.5)));
    expectClose(given().negative[0]!, weighed(negative, range(1, after, 1 / 1.1)));
  });

  test('encodes chunks one by one, as many for all prompts', async () => {
    await pipe.generate('a cat BREAK the (cat', { ...run, negativePrompt: 'the' });
    const [cat, the, negative, empty] = await encoded(['a cat', 'the cat', 'the', '']);
    const { positive, negative: got } = given();
    expectClose(positive[0]!, cat!);
    expect(positive[1]).not.toEqual(the);
    expectClose(got[0]!, negative!);
    expectClose(got[1]!, empty!);
  });

  test('a negative prompt may be the longer one, and counts only with guidance', async () => {
    const words = 'the cat '.repeat(60);
    const long = await events(pipe, 'a cat', { ...run, negativePrompt: words });
    expect(codesOf(long)).toEqual([]);
    const [cat, empty, first, second] = await encoded([
      'a cat',
      '',
      'the cat '.repeat(37) + 'the',
      'cat ' + 'the cat '.repeat(22),
    ]);
    const { positive, negative } = given();
    expectClose(positive[0]!, cat!);
    expectClose(positive[1]!, empty!);
    expectClose(negative[0]!, first!);
    expectClose(negative[1]!, second!);
    await pipe.generate('a cat', { ...run, guidanceScale: 1, negativePrompt: words });
    expect(unet.inputs['encoder_hidden_states']!.dims[1]).toBe(LENGTH);
  });

  test('what stands behind a comma stays together', async () => {
    // 70 tokens, a comma, and 4 of the 6 that follow have room.
    await pipe.generate(`${'the cat '.repeat(35)}, the cat the cat the cat`, run);
    const [first, second] = await encoded([`${'the cat '.repeat(35)},`, 'the cat the cat the cat']);
    expect(given().positive).toHaveLength(2);
    expectClose(given().positive[0]!, first!);
    expectClose(given().positive[1]!, second!);
  });

  test('embeddings that are given say how many chunks there are', async () => {
    const promptEmbeds = new Tensor('float32', new Float32Array(2 * LENGTH * 16).fill(0.1), [1, 2 * LENGTH, 16]);
    await pipe.generate('', { ...run, promptEmbeds, negativePrompt: 'a cat' });
    expect(unet.inputs['encoder_hidden_states']!.dims).toEqual([2, 2 * LENGTH, 16]);
  });

  test('several prompts do not depend on one another', async () => {
    await pipe.generate('(a cat:2)', run);
    const alone = given().positive[0]!;
    await pipe.generate(['(a cat:2)', '(the:3) the'], run);
    expect(given().positive).toHaveLength(2);
    expectClose(given().positive[0]!, alone);
  });

  test('editing on the way is warned of', async () => {
    for (const prompt of ['a [cat:dog:0.5]', 'a [cat|dog]'])
      expect(codesOf(await events(pipe, prompt, run))).toEqual(['WARN_PROMPT_EDITING']);
  });

  test('LoRAs of prompts go to who applies them, or are an error', async () => {
    await expect(pipe.generate('a cat <lora:snow:0.5>', run)).rejects.toMatchObject({
      code: 'ERR_PLUGIN_HOOK',
      cause: { code: 'ERR_PROMPT_LORA', message: expect.stringContaining('@thimble/plugin-lora') },
    });
    const asked: (readonly PromptLora[])[] = [];
    const applier: Plugin = {
      name: 'me:loras',
      apply: ({ provide }) => void provide(PROMPT_LORAS, { use: (loras) => void asked.push(loras) }),
    };
    await pipe.use(applier);
    await pipe.generate(['a cat <lora:snow:0.5>', '<lora:snow:0.5>the'], run);
    await pipe.generate('a cat ', run);
    expect(asked).toEqual([[{ name: 'snow', scale: 0.5 }], []]);
    const { positive } = given();
    expectClose(positive[0]!, (await encoded(['a cat']))[0]!);
    await expect(pipe.generate(['a <lora:snow>', 'b'], run)).rejects.toMatchObject({
      cause: { code: 'ERR_PROMPT_LORA_DIFFERENT' },
    });
    await pipe.remove(applier);
  });
});

describe('Stable Diffusion XL', () => {
  const checkpoint = fileURLToPath(new URL('../../core/test/fixtures/sdxl-tiny', import.meta.url));
  let pipe: DiffusionPipeline;

  beforeAll(async () => {
    pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
      deviceOptions: { inline: true, threads: 1 },
      plugins: [new PromptWeightsPlugin()],
    });
  });
  afterAll(async () => pipe.dispose());

  test('both encoders read all chunks; the pooled embedding is that of the first, unweighted', async () => {
    const unet = unetInputs(pipe);
    await pipe.generate('a (red:1.4) fox BREAK snow', {
      numInferenceSteps: 1,
      guidanceScale: 3,
      seed: 1,
      width: 32,
      height: 32,
      outputType: 'latent',
      negativePrompt: 'night',
      prompt2: 'an oil painting',
    });
    const { encoder_hidden_states: states, text_embeds: pooled } = unet.inputs as Record<string, Tensor>;
    const chunk = async (
      name: string,
      text: string,
    ): Promise<{ embeds: Float32Array; pooled: Float32Array | undefined }> => {
      const encoder = pipe.components[name]!;
      const state = `hidden_states.${Number(encoder.config['num_hidden_layers']) - 1}`;
      const { input_ids } = pipe.tokenizers[name === 'text_encoder' ? 'tokenizer' : 'tokenizer_2']!.encode(text);
      const outputs = name === 'text_encoder' ? [state] : [state, 'text_embeds'];
      const made = await encoder.call({ input_ids }, { outputs });
      return { embeds: made[state]!.data as Float32Array, pooled: made['text_embeds']?.data as Float32Array };
    };
    const one = [await chunk('text_encoder', 'a red fox'), await chunk('text_encoder', 'snow')];
    const two = [await chunk('text_encoder_2', 'an oil painting'), await chunk('text_encoder_2', '')];
    const red = weighed(one[0]!.embeds, new Map([[2, 1.4]]));
    const widths = [one[0]!.embeds.length / LENGTH, two[0]!.embeds.length / LENGTH] as const;
    const expected = [0, 1].flatMap((i) =>
      Array.from({ length: LENGTH }, (_, token) => [
        ...(i === 0 ? red : Array.from(one[i]!.embeds)).slice(token * widths[0], (token + 1) * widths[0]),
        ...two[i]!.embeds.slice(token * widths[1], (token + 1) * widths[1]),
      ]).flat(),
    );
    expect(states!.dims).toEqual([2, 2 * LENGTH, widths[0] + widths[1]]);
    expectClose((states!.data as Float32Array).slice(expected.length), expected);
    expectClose((pooled!.data as Float32Array).slice(pooled!.dims[1]), two[0]!.pooled!);
  });
});

test('models that read prompts otherwise are warned of', async () => {
  const checkpoint = fileURLToPath(new URL('../../core/test/fixtures/z-image-tiny', import.meta.url));
  await using pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
    deviceOptions: { inline: true, threads: 1 },
    plugins: [new PromptWeightsPlugin()],
  });
  const run = { numInferenceSteps: 1, seed: 1, width: 32, height: 32, outputType: 'latent' } as const;
  expect(codesOf(await events(pipe, 'a (red) fox', run))).toContain('WARN_PROMPT_WEIGHTS');
  expect(codesOf(await events(pipe, 'a fox', run))).not.toContain('WARN_PROMPT_WEIGHTS');
});
