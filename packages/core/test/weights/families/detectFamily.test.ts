import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { isThimbleError } from '../../../src/index.js';
import type { CheckpointWarning } from '../../../src/weights/ComponentCheckpoint.js';
import { type CheckpointFile, takeApart } from '../../../src/weights/families/CheckpointFile.js';
import { detectFamily } from '../../../src/weights/families/detectFamily.js';
import { families, familyNamed } from '../../../src/weights/families/families.js';
import { familyOf } from '../../../src/weights/families/familyOf.js';
import { indexOfFamily, indexOfFile } from '../../../src/weights/families/indexOfFile.js';
import { flux } from '../../../src/weights/keymaps/flux.js';
import { openClip } from '../../../src/weights/keymaps/openClip.js';
import { type Header, originalPart, partHeader, viewsOf, wholeHeader } from '../../support/familyHeader.js';
import { originalShapes } from '../../support/originalKeys.js';

const path = '/models/whatever.safetensors';
const named = (name: string): (typeof families)[number] => familyNamed(name)!;
const apart = (header: Header): CheckpointFile => takeApart({ path, tensors: viewsOf(header) });
const V1 = named('stable-diffusion-v1');
const V2 = named('stable-diffusion-v2');
const XL = named('stable-diffusion-xl');

function thrownBy(make: () => unknown): Error {
  try {
    make();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

/** Families whose tensors another one has too, so that a whole of them is told by nobody. */
const ALIKE = [
  'z-image-turbo',
  'z-image',
  'flux2-klein-4b',
  'flux2-klein-base-4b',
  'flux2-klein-9b',
  'flux2-klein-base-9b',
];

describe('a whole checkpoint is told by its tensors', () => {
  test.each(['z-image-turbo', 'flux2-klein-4b'])('%s: but for what its like has', (name) => {
    expect(thrownBy(() => detectFamily(apart(wholeHeader(named(name)))))).toMatchObject({
      code: 'ERR_CHECKPOINT_AMBIGUOUS',
      details: { families: expect.arrayContaining([name]) },
    });
  });

  test.each(families.map((family) => [family.name, family] as const))('%s', (_name, family) => {
    const file = apart(wholeHeader(family));
    if (!ALIKE.includes(family.name)) {
      expect(detectFamily(file)).toBe(family);
      expect(file.unused).toEqual(['betas', 'alphas_cumprod', 'model_ema.decay']);
    }
    const { components, places, kind } = indexOfFile(file, indexOfFamily(family, path), { given: [] }, family);
    expect(kind).toBe('pipeline');
    for (const [name, component] of Object.entries(components)) {
      if (component === null || family.parts[name]?.config === undefined || name === 'scheduler') continue;
      // Every tensor of the model, of its shape.
      const { tensors } = places![name]!.weights!;
      for (const [key, shape] of partHeader(family, name))
        expect([key, tensors.get(key)?.shape ?? tensors.get(key.replace('text_model.', ''))?.shape]).toEqual([
          key,
          shape,
        ]);
    }
  });

  test('of Stable Diffusion 3 may be without T5, and T5 has no tokenizer in it', () => {
    const family = named('stable-diffusion-3.5-medium');
    const header = wholeHeader(family);
    for (const key of header.keys()) if (key.startsWith('text_encoders.t5xxl.')) header.delete(key);
    const { components } = indexOfFile(apart(header), indexOfFamily(family, path), { given: [] }, family);
    expect(components).toMatchObject({ text_encoder_3: null, tokenizer_3: null, tokenizer_2: {} });
  });

  test('of a latent consistency model, which takes guidance as a condition', () => {
    const header = wholeHeader(V1, { time_cond_proj_dim: 256 });
    const { places } = indexOfFile(apart(header), indexOfFamily(V1, path), { given: [] }, V1);
    expect(places!['unet']!.config).toMatchObject({ time_cond_proj_dim: 256, cross_attention_dim: 768 });
    expect(detectFamily(apart(header))).toBe(V1);
  });
});

test('the page about checkpoints names every family', () => {
  const page = readFileSync(new URL('../../../../../docs/checkpoints.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split('## What opens');
  const cells = [...table.split('\n- ')[0]!.matchAll(/^\| (`[^|]+`) \|/gm)].slice(1).map(([, cell]) => cell!);
  const told = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const names = families.flatMap(({ name, otherPrediction }) => [
    name,
    ...(otherPrediction ? [otherPrediction.family.name] : []),
  ]);
  expect(told).toEqual(names);
});

describe('one component alone', () => {
  test.each([
    [
      'an inpainting UNet of SD 1',
      () => originalPart(named('stable-diffusion-v1-inpainting'), 'unet'),
      'stable-diffusion-v1-inpainting',
    ],
    ["SD 2's UNet, with diffusers' keys", () => partHeader(V2, 'unet'), 'stable-diffusion-v2'],
    ["SDXL's UNet, as in ComfyUI's files", () => originalPart(XL, 'unet'), 'stable-diffusion-xl'],
    ["CLIP's text encoder, with or without SDXL", () => partHeader(V1, 'text_encoder'), 'stable-diffusion-v1'],
    ["SDXL's second text encoder", () => partHeader(XL, 'text_encoder_2'), 'stable-diffusion-xl'],
    [
      "FLUX.1 dev's transformer, in its authors' keys",
      () => originalShapes(flux, partHeader(named('flux1-dev'), 'transformer'), ''),
      'flux1-dev',
    ],
    [
      "FLUX.1 schnell's, with diffusers' keys",
      () => partHeader(named('flux1-schnell'), 'transformer'),
      'flux1-schnell',
    ],
    ["T5's encoder, of any", () => partHeader(named('flux1-dev'), 'text_encoder_2'), 'stable-diffusion-3-medium'],
    [
      "a transformer of Z-Image, as in ComfyUI's files",
      () => originalPart(named('z-image'), 'transformer'),
      'z-image-turbo',
    ],
    ["FLUX.2 klein's, of either size", () => originalPart(named('flux2-klein-9b'), 'transformer'), 'flux2-klein-9b'],
    ['Qwen3 of four billion', () => partHeader(named('flux2-klein-4b'), 'text_encoder'), 'z-image-turbo'],
    [
      "the same in OpenCLIP's layout",
      () => originalShapes(openClip, partHeader(XL, 'text_encoder_2'), ''),
      'stable-diffusion-xl',
    ],
  ])('%s', (_what, header, name) => {
    const file = apart(header());
    const family = detectFamily(file);
    expect(family.name).toBe(name);
    const index = indexOfFile(file, indexOfFamily(family, path), { given: [] }, family);
    expect([index.kind, Object.keys(index.places!)]).toEqual(['model', ['']]);
  });

  test('a VAE, whose scale is not in it, is asked for by the names that choose', () => {
    const error = thrownBy(() => detectFamily(apart(partHeader(XL, 'vae'))));
    expect(error).toMatchObject({
      code: 'ERR_CHECKPOINT_AMBIGUOUS',
      details: { families: ['stable-diffusion-v1', 'stable-diffusion-xl'] },
    });
    expect(error.message).toMatch(/--config.*"stable-diffusion-v1" or "stable-diffusion-xl"/);
  });

  test('is no pipeline where others are given, until all are there', () => {
    const file = apart(originalPart(V1, 'unet'));
    const configs = indexOfFamily(V1, path);
    const open = (given: readonly string[], wanted?: readonly string[]) => () =>
      indexOfFile(file, configs, { given, wanted }, V1);
    expect(thrownBy(open(['vae']))).toMatchObject({
      code: 'ERR_CHECKPOINT_INCOMPLETE',
      details: { missing: ['text_encoder'], has: ['unet'] },
    });
    expect(open(['vae', 'text_encoder'])().kind).toBe('pipeline');
    expect(open(['vae'], ['unet', 'vae'])().kind).toBe('pipeline');
  });
});

describe('what fits nothing', () => {
  test.each([
    ["InstructPix2Pix's UNet", V1, { in_channels: 8 }, /in_channels is 8, not 4/],
    ['SD 2 with a depth', V2, { in_channels: 5 }, /in_channels is 5, not 4/],
    ['the upscaler', V2, { in_channels: 7, num_class_embeds: 1000 }, /in_channels is 7/],
    [
      'a distilled SDXL',
      XL,
      { transformer_layers_per_block: [1, 2, 4] },
      /Stable Diffusion XL, .*transformer_layers is \[0, 2, 4\], not \[0, 2, 10\]/,
    ],
  ])('%s is compared with the nearest', (_what, family, more, message) => {
    const header = wholeHeader(family);
    for (const key of header.keys()) if (key.startsWith('model.')) header.delete(key);
    for (const [key, shape] of unetOf(family, more)) header.set(key, shape);
    const error = thrownBy(() => detectFamily(apart(header)));
    expect(isThimbleError(error, 'ERR_CHECKPOINT_UNKNOWN')).toBe(true);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/--config/);
  });

  test.each([
    ['a ControlNet', 'control_model.input_hint_block.0.weight'],
    ['a ControlNet', 'controlnet_cond_embedding.conv_in.weight'],
    ['a T2I adapter', 'adapter.body.0.in_conv.weight'],
    ['a T2I adapter', 'body.0.block1.weight'],
    ['a LoRA', 'lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight'],
    ['a LoRA', 'unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k.lora_A.weight'],
    ['an IP-Adapter', 'image_proj.proj.weight'],
    ['a textual inversion', 'emb_params'],
    ['a motion module of AnimateDiff', 'down_blocks.0.motion_modules.0.temporal_transformer.norm.weight'],
  ])('%s is refused by its name: %s', (kind, key) => {
    // A UNet beside it, as ControlNets come, changes nothing.
    for (const header of [
      new Map([[key, [4, 4]]]),
      new Map([
        ['model.diffusion_model.input_blocks.0.0.weight', [320, 4, 3, 3]],
        [key, [4, 4]],
      ]),
    ]) {
      expect(thrownBy(() => apart(header))).toMatchObject({ code: 'ERR_CHECKPOINT_OTHER', details: { kind, key } });
    }
  });

  test('names of no model are shown', () => {
    const error = thrownBy(() => apart(new Map([['h.0.attn.weight', [4, 4]]])));
    expect(error).toMatchObject({ code: 'ERR_CHECKPOINT_UNKNOWN' });
    expect(error.message).toMatch(/h\.0\.attn\.weight/);
  });
});

test('rows whose halves lie the other way round are told by the last block, and by the last norm', () => {
  const family = named('stable-diffusion-3-medium');
  const { parts } = apart(originalPart(family, 'transformer'));
  const swapped = [...parts[0]!.tensors].filter(([, view]) => view.swapped === true).map(([key]) => key);
  const last = 'transformer_blocks.23.norm1_context.linear';
  expect(swapped.toSorted()).toEqual(
    [`${last}.bias`, `${last}.weight`, 'norm_out.linear.bias', 'norm_out.linear.weight'].toSorted(),
  );
});

function unetOf(family: (typeof families)[number], more: object): Header {
  const { num_class_embeds: classes, ...fields } = more as { num_class_embeds?: number };
  const header = originalPart(family, 'unet', fields);
  if (classes !== undefined) header.set('model.diffusion_model.label_emb.weight', [classes, 1280]);
  return header;
}

describe('what a model predicts', () => {
  const predictionOf = (
    header: Header,
    predictionType?: string,
  ): readonly [unknown, unknown, unknown, readonly string[]] => {
    const warnings: CheckpointWarning[] = [];
    const family = familyOf(apart(header), { predictionType, onWarning: (warning) => warnings.push(warning) });
    const { config } = family.parts['scheduler']!;
    const sample = family.parts['unet']!.config!['sample_size'];
    return [config!['prediction_type'], config!['rescale_betas_zero_snr'], sample, warnings.map(({ code }) => code)];
  };

  test('is open in SD 2: v, with a warning, unless it is said', () => {
    const header = wholeHeader(V2);
    expect(predictionOf(header)).toEqual(['v_prediction', undefined, 96, ['WARN_PREDICTION_TYPE']]);
    expect(predictionOf(header, 'v_prediction')).toEqual(['v_prediction', undefined, 96, []]);
    expect(predictionOf(header, 'epsilon')).toEqual(['epsilon', undefined, 64, []]);
    expect(predictionOf(originalPart(V2, 'unet'))).toEqual(['v_prediction', undefined, 96, []]);
  });

  test('and the last noise level are read off keys that say so', () => {
    const header = wholeHeader(XL);
    expect(predictionOf(header)).toEqual(['epsilon', undefined, 128, []]);
    header.set('v_pred', []);
    expect(predictionOf(header)).toEqual(['v_prediction', undefined, 128, []]);
    header.set('ztsnr', []);
    expect(predictionOf(header)).toEqual(['v_prediction', true, 128, []]);
  });
});
