import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { optionsOf, replayRun } from '../support/replayRun.js';

describe.each(['sd-tiny', 'sd2-tiny', 'sd-tiny-f16', 'sdxl-tiny'])(
  'whole runs of %s are those of diffusers',
  (name) => {
    let fixture: FixtureCase;
    let pipe: DiffusionPipeline;

    beforeAll(async () => {
      fixture = await FixtureCase.open(name);
      pipe = await DiffusionPipeline.fromPretrained(fixture.folder, { deviceOptions: { inline: true, threads: 1 } });
    });
    afterAll(async () => {
      await pipe.dispose();
    });

    test('latents after every step, timesteps, and the picture', async () => {
      const runs = fixture.calls.filter(({ call }) => call.endsWith('Pipeline.__call__'));
      expect(runs.length).toBeGreaterThan(0);
      const excess: Record<string, number> = {};
      for (const { name: run } of runs) Object.assign(excess, await replayRun(pipe, fixture, run));
      expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
    }, 120_000);

    test('bytes of the picture differ by at most 1', async () => {
      const { name: run, args } = fixture.calls.find(({ out }) => 'image_u8' in out) ?? fixture.call('none');
      const { images } = await pipe.generate(args['prompt'] as string, {
        ...(await optionsOf(fixture, run)),
        outputType: 'image',
      });
      const data = new Uint8Array(images.flatMap((image) => [...image.data]));
      const first = images[0];
      if (first === undefined) throw new Error('no image');
      const got = new Tensor('uint8', data, [images.length, first.height, first.width, 3]);
      expect(await fixture.excess(run, 'image_u8', got)).toBeLessThanOrEqual(1);
      expect(first.metadata['parameters']).toContain(`Size: ${first.width}x${first.height}`);
    });
  },
);
