import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type GenerateOptions } from '@thimble/core';
import type { Graph } from '@thimble/core/plugin';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { TokenMergingPlugin, type TokenMergingOptions } from '../src/index.js';

const RUN = { numInferenceSteps: 2, seed: 7, outputType: 'tensor', width: 64, height: 48 } as const;

async function picture(pipe: DiffusionPipeline, options: GenerateOptions = {}): Promise<Float32Array> {
  return (await pipe.generate('a red fox', { ...RUN, ...options, outputType: 'tensor' })).images.data as Float32Array;
}

/** Queries and keys of every attention that a picture with the plugin computes, by segment. */
async function attentionsWith(
  pipe: DiffusionPipeline,
  options: TokenMergingOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const plugin = await pipe.use(new TokenMergingPlugin(options));
  const tap = pipe.hooks.transformGraph.tap(
    { name: 'test', stage: { name: 'test', after: 'tokens', before: 'attention' } },
    (graph: Graph, { component, segment }) => {
      const sizes = graph.nodes
        .filter(({ op, domain }) => op === 'Attention' && domain === 'thimble')
        .map(({ inputs }) => inputs.slice(0, 2).map((name) => graph.shapeOf(name)[1]));
      if (component === 'unet' && sizes.length > 0)
        found.set(
          segment,
          sizes.map((pair) => pair.join(' × ')),
        );
      return undefined;
    },
  );
  await picture(pipe);
  tap[Symbol.dispose]();
  await plugin.remove();
  return found;
}

describe('Stable Diffusion', () => {
  let pipe: DiffusionPipeline;
  let plain: Float32Array;
  beforeAll(async () => {
    pipe = await createTestPipeline({ device: 'inline' });
    plain = await picture(pipe);
  });
  afterAll(async () => pipe.dispose());

  test('merges before self-attention of the largest size alone, unless told otherwise', async () => {
    expect(Object.fromEntries(await attentionsWith(pipe, {}))).toMatchObject({
      'down_blocks.0.attentions.0': ['24 × 24', '48 × 77'],
      'down_blocks.1.attentions.0': ['12 × 12', '12 × 77'],
      'up_blocks.2.attentions.1': ['24 × 24', '48 × 77'],
    });
    const more = await attentionsWith(pipe, { maxDownsample: 2, ratio: 0.25 });
    expect(more.get('down_blocks.0.attentions.0')).toEqual(['36 × 36', '48 × 77']);
    expect(more.get('down_blocks.1.attentions.0')).toEqual(['9 × 9', '12 × 77']);
    // No more than three of four tokens can be merged, where one of four stays.
    expect((await attentionsWith(pipe, { ratio: 1 })).get('up_blocks.2.attentions.0')![0]).toBe('12 × 12');
  });

  test('changes pictures, always in the same way, and is gone bit for bit', async () => {
    const plugin = await pipe.use(new TokenMergingPlugin());
    const merged = await picture(pipe);
    expect(merged).not.toEqual(plain);
    await picture(pipe, { width: 48, height: 64, guidanceScale: 1 });
    expect(await picture(pipe)).toEqual(merged);
    await plugin.remove();
    expect(await picture(pipe)).toEqual(plain);
  });

  test('nothing is merged at a ratio of 0', async () => {
    const plugin = await pipe.use(new TokenMergingPlugin({ ratio: 0 }));
    expect(await picture(pipe)).toEqual(plain);
    await plugin.remove();
  });
});

test('Stable Diffusion XL, whose segments do not see the sides of a picture', async () => {
  const path = fileURLToPath(new URL('../../core/test/fixtures/sdxl-tiny', import.meta.url));
  await using pipe = await DiffusionPipeline.fromPretrained(path, { deviceOptions: { inline: true, threads: 1 } });
  const selfOf = async (options: TokenMergingOptions): Promise<readonly string[]> => {
    const blocks = [...(await attentionsWith(pipe, options))].filter(([name]) => name.includes('.transformer_blocks.'));
    return [...new Set(blocks.map(([, [self]]) => self!))].sort();
  };
  // 8 × 6 latents: 4 × 3 tokens at the first attentions, 2 × 2 at the others.
  expect(await selfOf({})).toEqual(['12 × 12', '4 × 4']);
  expect(await selfOf({ maxDownsample: 2 })).toEqual(['4 × 4', '6 × 6']);
});

test.each<[object, string]>([
  [{ ratio: 1.5 }, 'ratio'],
  [{ ratio: 'half' }, 'ratio'],
  [{ maxDownsample: 0 }, 'maxDownsample'],
  [{ sx: 0 }, 'sx'],
  [{ components: 'unet' }, 'components'],
])('refuses %j', (options, argument) => {
  expect(() => new TokenMergingPlugin(options)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
  );
});
