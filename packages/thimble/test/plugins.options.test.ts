import { expect, test } from '@jest/globals';
import { MemoryEfficientAttentionPlugin } from '@thimble/plugin-attention';
import { ChannelsLastPlugin } from '@thimble/plugin-channels-last';
import { ControlNetPlugin } from '@thimble/plugin-controlnet';
import { LayerwiseCastingPlugin } from '@thimble/plugin-fp8';
import { Int8ComputePlugin } from '@thimble/plugin-int8';
import { LoraPlugin } from '@thimble/plugin-lora';
import { IPAdapterPlugin } from '@thimble/plugin-ip-adapter';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '@thimble/plugin-offload';
import { StepCachePlugin } from '@thimble/plugin-step-cache';
import { TextualInversionPlugin } from '@thimble/plugin-textual-inversion';
import { PromptWeightsPlugin } from '@thimble/plugin-prompt';
import { TokenMergingPlugin } from '@thimble/plugin-token-merging';
import { TracingPlugin } from '@thimble/plugin-tracing';
import { VaeSlicingPlugin } from '@thimble/plugin-vae-slicing';
import { VaeTilingPlugin } from '@thimble/plugin-vae-tiling';

const PLUGINS = {
  ChannelsLastPlugin,
  ControlNetPlugin,
  IPAdapterPlugin,
  Int8ComputePlugin,
  LayerwiseCastingPlugin,
  LoraPlugin,
  MemoryEfficientAttentionPlugin,
  ModelOffloadPlugin,
  PromptWeightsPlugin,
  SequentialOffloadPlugin,
  StepCachePlugin,
  TextualInversionPlugin,
  TokenMergingPlugin,
  TracingPlugin,
  VaeSlicingPlugin,
  VaeTilingPlugin,
};

test.each(Object.entries(PLUGINS))('%s refuses options that it has not, by its name', (name, Plugin) => {
  const make = (options: unknown): unknown => new (Plugin as new (options: unknown) => unknown)(options);
  expect(() => make({ nope: 1 })).toThrow(
    expect.objectContaining({
      code: 'ERR_ARGUMENT_INVALID',
      message: expect.stringContaining(`unknown option "nope" of ${name}; expected `),
    }),
  );
  for (const value of [null, 5, 'x', [1], { components: 5, keep: 5, mode: 5, dir: 5, backend: 5, emphasis: 5 }])
    expect(() => make(value)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }));
});
