import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CallNeeds, type RunNeeds, runNeeds } from '../src/index.js';
import { sparseCheckpoint } from './support/sparseCheckpoint.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));
const call = ({ calls }: RunNeeds, name: string): CallNeeds => calls.find(({ component }) => component === name)!;

let folder: string;
beforeAll(async () => {
  folder = await sparseCheckpoint(mkdtempSync(join(tmpdir(), 'thimble-needs-')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Bytes of the tensors in a component's files, of the keys that `counts` says. */
function bytesIn(component: string, counts: (key: string) => boolean = () => true): number {
  let bytes = 0;
  for (const file of readdirSync(component).filter((name) => name.endsWith('.safetensors'))) {
    const data = readFileSync(join(component, file));
    const length = Number(data.readBigUInt64LE(0));
    const header = JSON.parse(data.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets?: number[] }>;
    for (const [key, { data_offsets: [start = 0, end = 0] = [] }] of Object.entries(header))
      if (counts(key)) bytes += end - start;
  }
  return bytes;
}

describe('what a picture of SD 1.5 takes', () => {
  test('every weight of the UNet for each step, and of a table of words the rows of the prompt', async () => {
    const needs = await runNeeds(folder, { width: 512, height: 512, numInferenceSteps: 3, guidance: 7.5 });
    expect(needs.calls.map(({ component, kind, times, samples }) => [component, kind, times, samples])).toEqual([
      ['text_encoder', 'encoder', 1, 2],
      ['unet', 'denoiser', 3, 2],
      ['vae', 'decoder', 1, 1],
    ]);
    const [text, unet, vae] = needs.calls as readonly [CallNeeds, CallNeeds, CallNeeds];
    // 859,520,964 parameters in float16.
    expect(unet.weightBytes).toBe(2 * 859_520_964);
    // Of 49,408 words 77 are read, of 768 values each.
    expect(text.weightBytes).toBe(2 * (123_060_480 - (49_408 - 77) * 768));
    expect(needs.stepBytes).toBe(unet.weightBytes);
    expect(needs.runBytes).toBe(text.weightBytes + 3 * unet.weightBytes + vae.weightBytes);
    expect(unet.largestSegment).toEqual({ name: 'up_blocks.0.resnets.0', bytes: expect.any(Number) });
    expect(unet.largestWeight).toEqual({ name: expect.stringMatching(/conv1\.weight$/), bytes: 2 * 1280 * 2560 * 9 });
  });

  test('more values and multiplications for larger pictures, and the same weights', async () => {
    const [small, large] = [
      await runNeeds(folder, { width: 256, height: 256 }),
      await runNeeds(folder, { width: 512, height: 512 }),
    ];
    const [before, after] = [call(small, 'unet'), call(large, 'unet')];
    expect(after.weightBytes).toBe(before.weightBytes);
    expect(after.activationBytes).toBeGreaterThan(1.5 * before.activationBytes);
    expect(after.multiplications).toBeGreaterThan(4 * before.multiplications);
    expect(call(large, 'vae').activationBytes).toBeGreaterThan(3 * call(small, 'vae').activationBytes);
  });
});

describe('transformers', () => {
  test('of a text encoder only the layers below what is read are counted', async () => {
    const model = fixture('z-image-tiny');
    const needs = await runNeeds(model, { width: 64, height: 64, numInferenceSteps: 2, guidance: 0 });
    const encoder = join(model, 'text_encoder');
    const words = bytesIn(encoder, (key) => key.endsWith('embed_tokens.weight'));
    const layers = bytesIn(encoder, (key) => /\.layers\.[012]\./.test(key));
    // 512 of 672 rows: as many as a prompt has tokens at most.
    expect(call(needs, 'text_encoder').weightBytes).toBe(layers + (words * 512) / 672);
    // 32 tokens of a caption need no padding.
    const used = bytesIn(join(model, 'transformer'), (key) => key !== 'cap_pad_token');
    expect(call(needs, 'transformer').weightBytes).toBe(used);
    expect(needs.stepBytes).toBe(call(needs, 'transformer').weightBytes);
  });

  test.each([
    ['z-image-tiny', 0, 2, 1],
    ['z-image-tiny', 1, 2, 2],
    ['flux-tiny', 3.5, 2, 1],
    ['flux2-klein-tiny', 4, 2, 1],
    ['sd3-tiny', 7, 2, 2],
  ])('%s, guidance %d: %d calls of %d', async (name, guidance, times, samples) => {
    const needs = await runNeeds(fixture(name), { width: 64, height: 64, numInferenceSteps: 2, guidance });
    expect(call(needs, 'transformer')).toMatchObject({ times, samples });
  });
});

test('a single model is counted, and what is no model is refused', async () => {
  const { calls } = await runNeeds(join(folder, 'unet'), { width: 512, height: 512 });
  expect(calls.map(({ component, kind }) => [component, kind])).toEqual([['unet', 'denoiser']]);
  await expect(runNeeds('')).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  await expect(runNeeds(folder, { width: 0 })).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
});
