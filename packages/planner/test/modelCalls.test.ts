import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { DiffusionPipeline } from '@thimble/core';
import { modelCalls } from '../src/model/ModelCall.js';
import type { RunShape } from '../src/model/RunShape.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));
const RUN: RunShape = { width: 64, height: 64, frames: 1, count: 1, steps: 2, guided: false };
const picture = { width: 64, height: 64, isReference: true };

test('pictures are encoded one by one before the denoiser, which is given the tokens of those that it looks at', async () => {
  await using pipe = await DiffusionPipeline.fromPretrained(fixture('flux2-klein-tiny'), { memoryLimit: 'none' });
  const callsOf = (pictures: RunShape['pictures'] = []): ReturnType<typeof modelCalls> =>
    modelCalls(pipe.components, { ...RUN, pictures }, pipe);
  const attention = (pictures?: RunShape['pictures']): number =>
    callsOf(pictures).find(({ kind }) => kind === 'denoiser')!.facts.operations.attention;
  expect(callsOf().map(({ kind }) => kind)).toEqual(['encoder', 'denoiser', 'decoder']);
  const three = [picture, { ...picture, width: 32 }, picture];
  expect(callsOf(three).map(({ kind, entry, times, facts }) => [kind, entry, times, facts.pixels])).toEqual([
    ['encoder', 'call', 1, expect.any(Number)],
    ['picture', 'encode', 2, 64 * 64],
    ['picture', 'encode', 1, 64 * 32],
    ['denoiser', 'call', 2, expect.any(Number)],
    ['decoder', 'decode', 1, 64 * 64],
  ]);
  expect(callsOf([{ width: 512, height: 512, isReference: false }])[1]!.facts.pixels).toBe(64 * 64);
  expect(attention([picture])).toBeGreaterThan(1.05 * attention());
  expect(attention([{ ...picture, isReference: false }])).toBe(attention());
});
