import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Plugin } from '../../src/extension/Plugin.js';
import type { EncodePromptCall, PromptChunk } from '../../src/hooks/calls/EncodePromptCall.js';
import type { PipelineEvent } from '../../src/run/PipelineEvent.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { fixturePath } from '../support/fixturePath.js';

const SD = { width: 64, height: 64, numInferenceSteps: 1, seed: 1, outputType: 'latent' as const };
const VIDEO = { width: 64, height: 48, numFrames: 1, numInferenceSteps: 1, seed: 1, outputType: 'latent' as const };

/** Multiplies by `weight` what a word's embeddings differ by from those of an empty prompt, at its places. */
function weightWord(word: string, weight: number): Plugin {
  return {
    name: 'test:weight',
    apply: ({ hooks }) => {
      hooks.encodePrompt.tap('weight', (call) => {
        if (call.negative) return;
        call.wrap((next) => async (chunks) => {
          const [result, empty] = [await next(chunks), await next(await emptyChunks(call))];
          const data = (result.embeds.data as Float32Array).slice();
          const width = result.embeds.dims[2] as number;
          for (const place of placesOf(word, call, chunks)) {
            for (let i = place * width; i < (place + 1) * width; i++) {
              const without = empty.embeds.data[i] as number;
              data[i] = without + weight * (data[i]! - without);
            }
          }
          return { ...result, embeds: new Tensor('float32', data, result.embeds.dims) };
        });
      });
    },
  };
}

async function emptyChunks({ tokenizer, chunks }: EncodePromptCall): Promise<readonly PromptChunk[]> {
  const { dims } = (chunks[0] as PromptChunk).input_ids;
  const { input_ids } = tokenizer.encode(
    Array.from({ length: dims[0] as number }, () => ''),
    { maxLength: dims[1] as number },
  );
  return [{ input_ids }];
}

function placesOf(word: string, { tokenizer }: EncodePromptCall, chunks: readonly PromptChunk[]): number[] {
  const [, wanted] = tokenizer.encode(word).input_ids.data as BigInt64Array;
  const ids = (chunks[0] as PromptChunk).input_ids.data as BigInt64Array;
  return [...ids.keys()].filter((at) => ids[at] === wanted);
}

/** Teaches the text encoder a word: stands another word's token in for it, and gives the encoder a vector of its own there. */
function addWord(word: string, vector: (width: number) => Float32Array, stand = 'thing'): Plugin {
  return {
    name: 'test:word',
    apply: ({ hooks }) => {
      hooks.encodePrompt.tap('word', async (call) => {
        if (!call.prompts.some((prompt) => prompt.includes(word))) return;
        call.prompts = call.prompts.map((prompt) => prompt.replaceAll(word, stand));
        const [{ input_ids }] = call.chunks as readonly [PromptChunk];
        const embeds = await call.embedTokens(input_ids);
        const width = embeds.dims[2] as number;
        const data = (embeds.data as Float32Array).slice();
        for (const place of placesOf(stand, call, call.chunks)) data.set(vector(width), place * width);
        call.chunks = [{ input_ids, inputs_embeds: new Tensor('float32', data, embeds.dims) }];
      });
    },
  };
}

describe.each([
  ['sd-tiny', SD],
  ['cogvideox-tiny', VIDEO],
] as const)('%s', (fixture, options) => {
  let pipe: DiffusionPipeline;
  let plugin: Plugin | undefined;
  beforeAll(async () => {
    pipe = await DiffusionPipeline.fromPretrained(fixturePath(fixture), {
      deviceOptions: { inline: true, threads: 1 },
    });
  });
  afterEach(async () => {
    if (plugin !== undefined) await pipe.remove(plugin);
    plugin = undefined;
  });
  afterAll(async () => {
    await pipe.dispose();
  });

  async function latents(prompt: string | string[], more: object = {}): Promise<number[]> {
    return [...((await pipe.generate(prompt, { ...options, ...more })).images.data as Float32Array)];
  }
  async function use(next: Plugin): Promise<void> {
    plugin = next;
    await pipe.use(next);
  }

  test('a weight of 1 changes nothing, another one does, and its removal restores every bit', async () => {
    const plain = await latents('a red cat');
    await use(weightWord('red', 1));
    const close = await latents('a red cat');
    expect(Math.max(...close.map((x, i) => Math.abs(x - plain[i]!)))).toBeLessThan(1e-4);
    await pipe.remove(plugin as Plugin);
    await use(weightWord('red', 2));
    expect(await latents('a red cat')).not.toEqual(plain);
    await pipe.remove(plugin as Plugin);
    plugin = undefined;
    expect(await latents('a red cat')).toEqual(plain);
  });

  test('a word with the vector of a known one is that word, to the bit; with another one it is not', async () => {
    const plain = await latents('a thing at sea');
    let known = new Float32Array();
    await use({
      name: 'test:read',
      apply: ({ hooks }) =>
        void hooks.encodePrompt.tap('read', async (call) => {
          const embeds = await call.embedTokens((call.chunks[0] as PromptChunk).input_ids);
          const width = embeds.dims[2] as number;
          const [place] = placesOf('thing', call, call.chunks);
          if (place !== undefined) known = (embeds.data as Float32Array).slice(place * width, (place + 1) * width);
        }),
    });
    expect(await latents('a thing at sea')).toEqual(plain);
    await pipe.remove(plugin as Plugin);
    await use(addWord('<mine>', () => known));
    expect(await latents('a <mine> at sea')).toEqual(plain);
    await pipe.remove(plugin as Plugin);
    await use(addWord('<mine>', (width) => Float32Array.from({ length: width }, (_, i) => Math.sin(i))));
    expect(await latents('a <mine> at sea')).not.toEqual(plain);
    expect(await latents('a thing at sea')).toEqual(plain);
  });

  test('is asked for prompts and negative prompts, may replace them, and skip the encoder', async () => {
    const asked: string[] = [];
    const called: string[] = [];
    await use({
      name: 'test:ask',
      apply: ({ hooks }) => {
        hooks.encodePrompt.tap('ask', (call) => {
          asked.push(`${call.component} ${String(call.negative)} ${call.prompts.join('|')}`);
          if (call.negative) call.prompts = ['ugly'];
        });
        hooks.beforeModelCall.tap(
          'ask',
          ({ component }) => void (component === 'text_encoder' && called.push(component)),
        );
      },
    });
    const replaced = await latents('a cat');
    expect(asked).toEqual(['text_encoder false a cat', 'text_encoder true ']);
    expect(called).toHaveLength(2);
    await pipe.remove(plugin as Plugin);
    expect(await latents('a cat', { negativePrompt: 'ugly' })).toEqual(replaced);
    let embeds: Tensor | undefined;
    pipe.hooks.afterModelCall.tap('keep', ({ component, outputs }) => {
      if (component === 'text_encoder') embeds ??= outputs?.['last_hidden_state'];
    });
    await latents('a cat', { guidanceScale: 1 });
    called.length = 0;
    await use({
      name: 'test:skip',
      apply: ({ hooks }) => {
        hooks.encodePrompt.tap('skip', (call) => void (call.embeds = embeds));
        hooks.beforeModelCall.tap(
          'skip',
          ({ component }) => void (component === 'text_encoder' && called.push(component)),
        );
      },
    });
    const skipped = await latents('another text', { guidanceScale: 1 });
    expect(called).toEqual([]);
    await pipe.remove(plugin as Plugin);
    plugin = undefined;
    expect(await latents('a cat', { guidanceScale: 1 })).toEqual(skipped);
  });

  test('more chunks are more tokens, prompt by prompt, and nothing is said to be left out', async () => {
    const { tokenizer } = pipe;
    const long = Array.from({ length: 300 }, () => 'cat').join(' ');
    const lengths: (readonly number[])[] = [];
    await use({
      name: 'test:chunks',
      apply: ({ hooks }) => {
        hooks.encodePrompt.tap('chunks', (call) => {
          const [first] = call.chunks as readonly [PromptChunk];
          const maxLength = first.input_ids.dims[1] as number;
          const second = tokenizer.encode(
            call.prompts.map((prompt) => (prompt === '' ? '' : 'a dog')),
            { maxLength },
          );
          call.chunks = [first, { input_ids: second.input_ids }];
          call.wrap((next) => async (chunks) => {
            const result = await next(chunks);
            const alone = await next([chunks[1] as PromptChunk]);
            lengths.push(result.embeds.dims, alone.embeds.dims);
            const [, tokens, width] = alone.embeds.dims as [number, number, number];
            for (const prompt of [0, 1]) {
              const at = (2 * prompt + 1) * tokens * width;
              const first = prompt * tokens * width;
              expect(result.embeds.data.slice(at, at + 8)).toEqual(alone.embeds.data.slice(first, first + 8));
            }
            return alone;
          });
        });
      },
    });
    const events: PipelineEvent[] = [];
    for await (const event of pipe.stream([long, 'x'], { ...options, guidanceScale: 1 })) events.push(event);
    const [joined, alone] = lengths as [number[], number[]];
    expect(joined).toEqual([2, 2 * alone[1]!, alone[2]]);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([]);
  });
});
