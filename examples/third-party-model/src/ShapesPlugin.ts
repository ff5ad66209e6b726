import type { Plugin } from '@thimble/core';
import { MODELS, PIPELINES, type PluginContext, SCHEDULERS, TOKENIZERS } from '@thimble/core/plugin';
import { BlendScheduler } from './BlendScheduler.js';
import { ShapeDenoiser } from './ShapeDenoiser.js';
import { ShapesPipeline } from './ShapesPipeline.js';
import { WordTokenizer } from './WordTokenizer.js';

/** Makes the classes known under the names that checkpoints ask for: `fromPretrained(folder, { plugins: [new ShapesPlugin()] })`. */
export class ShapesPlugin implements Plugin {
  readonly name = 'thimble-shapes';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;

  apply(ctx: PluginContext): void {
    ctx.provide(MODELS, { ShapeDenoiser });
    ctx.provide(SCHEDULERS, { BlendScheduler });
    ctx.provide(TOKENIZERS, { WordTokenizer });
    ctx.provide(PIPELINES, { ShapesPipeline });
  }
}
