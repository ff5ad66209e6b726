import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type DiffusionPipeline, Tensor, TorchGenerator } from '@thimble/core';
import { Emitter, Graph } from '@thimble/core/plugin';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { TokenMatching } from '../src/TokenMatching.js';
import { splitTokens, type TokenSplit } from '../src/TokenSplit.js';

const [SAMPLES, HEIGHT, WIDTH, CHANNELS] = [2, 6, 5, 8];
const TOKENS = HEIGHT * WIDTH;
const split = splitTokens({ height: HEIGHT, width: WIDTH, downsample: 1 }, 2, 2, 'test');
type Tokens = readonly (readonly number[])[];

let pipe: DiffusionPipeline;
beforeAll(async () => {
  pipe = await createTestPipeline({ device: 'inline', components: ['unet'] });
});
afterAll(async () => pipe.dispose());

/** What the emitted nodes make of tokens [n, tokens, channels]: merged, and spread again. */
async function computed(x: Tensor, merged: number, budget = 1e6): Promise<readonly [merged: Tensor, spread: Tensor]> {
  const emit = new Emitter('test');
  const site = { ...split, hidden: 'x', samples: SAMPLES, width: CHANNELS, merged };
  const matching = new TokenMatching(site, emit, budget);
  const value = matching.merge('x');
  matching.unmerge(value, 'spread', emit);
  const port = (name: string) => ({ name, type: 'float32', rank: 3 }) as const;
  const graph = new Graph({
    name: 'test',
    inputs: [port('x')],
    outputs: [port(value), port('spread')],
    nodes: emit.nodes,
    constants: emit.constants,
    weights: [],
    shapes: new Map([['x', x.dims]]),
  });
  const unet = pipe.components['unet']!;
  const session = await unet.device.load(unet.lower(graph));
  const ports = { [value]: value, spread: 'spread' };
  const { downloaded } = await unet.device.run({
    inputs: { x },
    consumed: [],
    steps: [{ session, feeds: { x: 'x' }, results: ports, release: [] }],
    outputs: { [value]: 'download', spread: 'download' },
  });
  await unet.device.unload(session);
  return [downloaded[value]!, downloaded['spread']!];
}

/** The paper's algorithm for one sample, as written. */
function reference(
  tokens: Tokens,
  { destinations, sources }: TokenSplit,
  merged: number,
): { merged: Tokens; spread: Tokens } {
  const length = (a: readonly number[]): number => Math.hypot(...a);
  const cosine = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (length(a) * length(b));
  const matches = sources.map((source) => {
    const likeness = destinations.map((each) => cosine(tokens[source]!, tokens[each]!));
    const best = Math.max(...likeness);
    return { source, best, into: likeness.indexOf(best) };
  });
  const ordered = matches.toSorted((a, b) => b.best - a.best);
  const [gone, kept] = [ordered.slice(0, merged), ordered.slice(merged)];
  const means = destinations.map((destination, i) => {
    const all = [destination, ...gone.filter(({ into }) => into === i).map(({ source }) => source)];
    return tokens[0]!.map((_, c) => all.reduce((sum, token) => sum + tokens[token]![c]!, 0) / all.length);
  });
  const spread = tokens.map((token, place) => {
    if (destinations.includes(place)) return means[destinations.indexOf(place)]!;
    const match = gone.find(({ source }) => source === place);
    return match === undefined ? token : means[match.into]!;
  });
  return { merged: [...kept.map(({ source }) => tokens[source]!), ...means], spread };
}

function samplesOf({ data, dims }: Tensor): readonly Tokens[] {
  const [n, count, width] = dims as readonly [number, number, number];
  const row = (i: number): number[] => Array.from((data as Float32Array).subarray(i * width, (i + 1) * width));
  return Array.from({ length: n }, (_, i) => Array.from({ length: count }, (__, j) => row(i * count + j)));
}

function expectClose(got: Tokens, wanted: Tokens): void {
  expect(got).toHaveLength(wanted.length);
  for (const [i, token] of wanted.entries())
    for (const [c, value] of token.entries()) expect(got[i]![c]).toBeCloseTo(value, 5);
}

const x = new TorchGenerator(3).randn([SAMPLES, TOKENS, CHANNELS]);

describe.each([1, 7, split.sources.length])('%d tokens merged', (merged) => {
  // The second budget has likenesses of a few sources at a time.
  test.each([1e6, 300])('as the paper says, within %d bytes', async (budget) => {
    const [fewer, spread] = await computed(x, merged, budget);
    expect(fewer.dims).toEqual([SAMPLES, TOKENS - merged, CHANNELS]);
    for (const [i, tokens] of samplesOf(x).entries()) {
      const wanted = reference(tokens, split, merged);
      expectClose(samplesOf(fewer)[i]!, wanted.merged);
      expectClose(samplesOf(spread)[i]!, wanted.spread);
    }
  });
});

test('tokens that are equal lose nothing', async () => {
  const data = (x.data as Float32Array).map((_, i) => {
    const [sample, token, channel] = [
      Math.floor(i / TOKENS / CHANNELS),
      Math.floor(i / CHANNELS) % TOKENS,
      i % CHANNELS,
    ];
    const cell = 10 * Math.floor(token / WIDTH / 2) + Math.floor((token % WIDTH) / 2);
    return Math.sin(sample + 1.7 * (cell + 1) * (channel + 1));
  });
  // Those of the last column are in no cell, and stay.
  const alike = new Tensor('float32', data, x.dims);
  const [, spread] = await computed(alike, 3 * split.destinations.length);
  for (const [i, value] of (spread.data as Float32Array).entries()) expect(value).toBeCloseTo(data[i]!, 5);
});
