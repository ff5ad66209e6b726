import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Component } from '../../src/execution/Component.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { openComponent } from '../support/openComponent.js';
import { stackTensors } from '../support/stackTensors.js';
import { writeShards } from '../support/writeShards.js';

const COMPONENT_OF: Readonly<Record<string, string>> = {
  'UNet2DConditionModel.forward': 'unet',
  'AutoencoderKL.decode': 'vae',
  'AutoencoderKL.encode': 'vae',
  'CLIPTextModel.forward': 'text_encoder',
  'CLIPTextModelWithProjection.forward': 'text_encoder_2',
  'T5EncoderModel.forward': 'text_encoder',
  'CogVideoXTransformer3DModel.forward': 'transformer',
  'AutoencoderKLCogVideoX.decode': 'vae',
  'AutoencoderKLCogVideoX.encode': 'vae',
  'Qwen3Model.forward': 'text_encoder',
  'Qwen3ForCausalLM.forward': 'text_encoder',
  'Flux2Transformer2DModel.forward': 'transformer',
  'FluxTransformer2DModel.forward': 'transformer',
  'AutoencoderKLFlux2.decode': 'vae',
  'AutoencoderKLFlux2.encode': 'vae',
  'ZImageTransformer2DModel.forward': 'transformer',
  'SD3Transformer2DModel.forward': 'transformer',
};

describe.each([
  'sd-tiny',
  'sd2-tiny',
  'sd-tiny-f16',
  'sd-tiny-sharded',
  'sdxl-tiny',
  'cogvideox-tiny',
  'cogvideox-rope-tiny',
  'z-image-tiny',
  'flux2-klein-tiny',
  'sd3-tiny',
  'flux-tiny',
  'flux-schnell-tiny',
])('%s computes what diffusers computes', (name) => {
  let fixture: FixtureCase;
  let checkpoint: string;
  let temporary: string | undefined;
  const components = new Map<string, Component>();

  beforeAll(async () => {
    fixture = await FixtureCase.open(name);
    checkpoint = fixture.folder;
    if (name !== 'sd-tiny-sharded') return;
    checkpoint = temporary = await mkdtemp(join(tmpdir(), 'thimble-shards-'));
    await writeShards(temporary);
  });
  afterAll(async () => {
    for (const component of components.values()) await component.unload();
    if (temporary !== undefined) await rm(temporary, { recursive: true });
  });

  test('in every recorded call of a model', async () => {
    const calls = fixture.calls.filter(({ call, args }) => call in COMPONENT_OF && args['tiling'] !== true);
    expect(calls.length).toBeGreaterThan(0);
    const report: Record<string, number> = {};
    for (const { name: call, call: what, out, args } of calls) {
      const component = COMPONENT_OF[what] as string;
      if (!components.has(component)) components.set(component, await openComponent(checkpoint, component));
      const [, method = ''] = what.split('.');
      const entry = method === 'forward' ? 'call' : method;
      const { hidden_states: hidden, mode, std, ...plain } = out;
      const layers = hidden?.shape[0] ?? 0;
      const hiddenNames = Array.from({ length: layers }, (_, i) => `hidden_states.${i}`);
      const results = await (components.get(component) as Component).invoke(
        entry,
        { ...(await fixture.inputs(call)), ...skipped(args) },
        {
          outputs: [...Object.keys(plain), ...hiddenNames],
        },
      );
      for (const output of Object.keys(plain))
        report[`${call} ${output}`] = await fixture.excess(call, output, results[output] as Tensor);
      if (hidden !== undefined)
        report[`${call} hidden_states`] = await fixture.excess(
          call,
          'hidden_states',
          stackTensors(hiddenNames.map((key) => results[key] as Tensor)),
        );
      void mode;
      void std;
    }
    expect(Object.entries(report).filter(([, excess]) => !(excess <= 1))).toEqual([]);
  });
});

/** The blocks of a transformer that a call leaves out. */
function skipped({ skip_layers: layers = [] }: Readonly<Record<string, unknown>>): Record<string, Tensor> {
  const named = new Tensor('int64', BigInt64Array.of(1n), [1]);
  return Object.fromEntries((layers as number[]).map((layer) => [`skip_layers.${layer}`, named]));
}
