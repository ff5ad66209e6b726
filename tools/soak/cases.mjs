import { join } from 'node:path';
import { MemoryEfficientAttentionPlugin } from '@thimble/plugin-attention';
import { ChannelsLastPlugin } from '@thimble/plugin-channels-last';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { Int8ComputePlugin } from '@thimble/plugin-int8';
import { LoraPlugin } from '@thimble/plugin-lora';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { TracingPlugin } from '@thimble/plugin-tracing';
import { VaeSlicingPlugin } from '@thimble/plugin-vae-slicing';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';
import { FIXTURES } from '../fuzz/fixtures.mjs';

/** Checkpoints by name, with the sizes that their pictures are made in, and the options that they need beside. */
export const MODELS = {
  testkit: {
    folder: testCheckpoint,
    sizes: [
      [64, 64],
      [96, 64],
      [64, 128],
    ],
  },
  'sd-tiny': {
    folder: join(FIXTURES, 'sd-tiny'),
    sizes: [
      [64, 64],
      [80, 64],
    ],
  },
  'sdxl-tiny': {
    folder: join(FIXTURES, 'sdxl-tiny'),
    sizes: [
      [64, 64],
      [64, 96],
    ],
  },
  'sd3-tiny': {
    folder: join(FIXTURES, 'sd3-tiny'),
    sizes: [
      [64, 64],
      [96, 64],
    ],
  },
  'flux-tiny': { folder: join(FIXTURES, 'flux-tiny'), sizes: [[64, 64]] },
  'flux2-klein-tiny': {
    folder: join(FIXTURES, 'flux2-klein-tiny'),
    sizes: [[64, 64]],
    options: { maxSequenceLength: 40, textEncoderOutLayers: [1, 2, 4] },
  },
  'z-image-tiny': { folder: join(FIXTURES, 'z-image-tiny'), sizes: [[64, 64]] },
};

/** Plugins by name, made for one use each; some work on some models alone. */
const PLUGINS = {
  none: () => undefined,
  attention: () => new MemoryEfficientAttentionPlugin(),
  channelsLast: () => new ChannelsLastPlugin(),
  float8: () => new LayerwiseCastingPlugin(),
  int8: () => new Int8ComputePlugin(),
  modelOffload: () => new ModelOffloadPlugin(),
  sequentialOffload: () => new SequentialOffloadPlugin(),
  tracing: ({ traces }) => new TracingPlugin({ dir: traces }),
  slicing: () => new VaeSlicingPlugin(),
  tiling: () => new VaeTilingPlugin(),
  lora: () => new LoraPlugin([{ file: join(FIXTURES, 'lora/peft.safetensors') }]),
  fusedLora: () => new LoraPlugin([{ file: join(FIXTURES, 'lora/kohya.safetensors'), scale: 0.5 }], { mode: 'fuse' }),
};
const OF_SD_TINY = ['lora', 'fusedLora'];
/** Those whose work depends on the size of the picture. The others are run at the first one. */
const OF_ALL_SIZES = ['none', 'attention', 'tiling'];

/** What is run: `{ name, model, width, height, plugin, seed }`. */
export const CASES = Object.entries(MODELS).flatMap(([model, { sizes }]) =>
  Object.keys(PLUGINS)
    .filter((plugin) => model === 'sd-tiny' || !OF_SD_TINY.includes(plugin))
    .flatMap((plugin) =>
      (OF_ALL_SIZES.includes(plugin) ? sizes : sizes.slice(0, 1)).map(([width, height]) => ({
        name: `${model} ${width}×${height} ${plugin}`,
        model,
        width,
        height,
        plugin,
        seed: width + height,
      })),
    ),
);

export function pluginOf({ plugin }, places) {
  return PLUGINS[plugin](places);
}
