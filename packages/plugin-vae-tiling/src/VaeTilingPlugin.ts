import { parseBytes, type Plugin, type Tensor, ThimbleError } from '@thimble/core';
import {
  planSeamless,
  rowsOfSample,
  sampleOfRows,
  seamlessRows,
  splitBatch,
  type ComponentHandle,
  type Next,
  type PluginContext,
  type PluginHostPipeline,
  type SampleRows,
  type SeamlessOptions,
  type SeamlessPlan,
} from '@thimble/core/plugin';
import { chooseMode } from './chooseMode.js';
import { bytesPerPixel, defaultBudget } from './memoryNeeds.js';
import { sharedRows } from './shared/sharedRows.js';
import { tileThatFits } from './tiles/tileThatFits.js';
import type { TilePlan, TileSize } from './tiles/TilePlan.js';
import { tiledRows } from './tiles/tiledRows.js';
import { videoTiles } from './tiles/videoTiles.js';
import { type VaeEntry, vaeEntry } from './VaeEntry.js';
import {
  checkTilingOptions,
  type TilingMode,
  type TilingSettings,
  vaeTilingFields,
  type VaeTilingOptions,
} from './VaeTilingOptions.js';

/** diffusers' `tile_overlap_factor`. */
const DEFAULT_OVERLAP = 0.25;

/** One call of the VAE. */
interface Call {
  readonly pipeline: PluginHostPipeline;
  readonly component: ComponentHandle;
  readonly entry: VaeEntry;
  readonly signal: AbortSignal | undefined;
}

type Inner = Next<Tensor, AsyncIterable<SampleRows>>;

/**
 * Decodes and encodes large pictures in little memory: strip by strip with the result of computing them whole, or tile by tile as diffusers'
 * `enable_tiling()`. Pictures come out row by row.
 */
export class VaeTilingPlugin implements Plugin {
  static readonly optionFields = vaeTilingFields;
  readonly name = 'thimble:vae-tiling';
  readonly engines = { thimble: '^0.2.0' };
  readonly #options: TilingSettings;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option out of range, or options that contradict each other */
  constructor(options: VaeTilingOptions = {}) {
    this.#options = checkTilingOptions(options);
  }

  apply({ hooks, pipeline }: PluginContext): void {
    const callOf = (name: string, entry: VaeEntry['name'], signal: AbortSignal | undefined): Call => {
      const component = pipeline.components[name] as ComponentHandle;
      return { pipeline, component, entry: vaeEntry(component, entry), signal };
    };
    hooks.beforeDecode.tap(this.name, ({ component, signal, wrapRows }) => {
      const call = callOf(component, 'decode', signal);
      wrapRows((next) => async (z) => this.#rows(z, call, next));
    });
    hooks.beforeEncode.tap(this.name, ({ component, signal, wrap }) => {
      const call = callOf(component, 'encode', signal);
      wrap(
        (next) => async (x) =>
          sampleOfRows(await this.#rows(x, call, async (part) => rowsOfSample(await next(part))), x.dims[0] as number),
      );
    });
  }

  /** The result of one call, picture by picture unless the whole batch goes through as it is. */
  async #rows(x: Tensor, call: Call, next: Inner): Promise<AsyncIterable<SampleRows>> {
    const { mode } = this.#options;
    if (call.entry.tiling !== undefined) return this.#video(x, mode, call, next);
    if (mode === 'auto') return this.#automatic(x, call, next);
    if (mode === 'seamless') return eachPicture(x, (one) => this.#seamless(one, call));
    const tiles = this.#tilePlan(x, call);
    if (tiles === undefined) return next(x);
    return eachPicture(x, (one) => this.#tiled(one, mode, tiles, call, next));
  }

  /** Videos are computed in blended tiles, all frames of one before the next, as diffusers does. */
  #video(
    x: Tensor,
    mode: TilingMode,
    call: Call,
    next: Inner,
  ): Promise<AsyncIterable<SampleRows>> | AsyncIterable<SampleRows> {
    if (mode === 'seamless' || mode === 'shared')
      throw invalid('mode', mode, `'blend' or 'auto' for ${call.component.name}, which makes videos`);
    const tiles = this.#tilePlan(x, call);
    return tiles === undefined ? next(x) : eachPicture(x, (one) => this.#tiled(one, 'blend', tiles, call, next));
  }

  /** Whole where it fits, a picture at a time where the batch does not; else what the machine is good for. */
  async #automatic(x: Tensor, call: Call, next: Inner): Promise<AsyncIterable<SampleRows>> {
    const { entry } = call;
    const [count = 1] = x.dims;
    const pixels = pixelsOf(x, entry);
    const whole = pixels * bytesPerPixel(entry.widestChannels);
    const budget = this.#budget(x, call);
    if (count * whole <= budget) return next(x);
    if (whole <= budget) return eachPicture(x, next);
    const [first] = splitBatch(x) as [Tensor];
    const plan = await planOrUndefined(first, this.#seamlessOptions(x, call));
    const mode = await chooseMode({ plan, pixels, tempDir: this.#options.tempDir });
    if (plan === undefined)
      call.pipeline.warn(
        'WARN_TILING_BLENDED',
        `${call.component.name}: this kind of model is not known well enough to be computed without seams; its tiles are blended.`,
      );
    if (mode === 'seamless') return eachPicture(x, (one) => this.#seamless(one, call, plan));
    const tiles = this.#tilePlan(x, call);
    return tiles === undefined ? next(x) : eachPicture(x, (one) => this.#tiled(one, mode, tiles, call, next));
  }

  async #seamless(x: Tensor, call: Call, plan?: SeamlessPlan): Promise<AsyncIterable<SampleRows>> {
    const options = this.#seamlessOptions(x, call);
    const known = plan ?? (await planOrUndefined(x, options));
    if (known === undefined)
      throw invalid(
        'mode',
        this.#options.mode,
        `'blend' for ${call.component.name}: its layers are not known well enough to be computed in strips`,
      );
    return seamlessRows(x, known, options);
  }

  async #tiled(
    x: Tensor,
    mode: Exclude<TilingMode, 'auto' | 'seamless'>,
    tiles: TilePlan,
    call: Call,
    next: Inner,
  ): Promise<AsyncIterable<SampleRows>> {
    const options = this.#seamlessOptions(x, call);
    if (mode === 'blend')
      return tiledRows(x, tiles, async (tile) => sampleOfRows(await next(tile), 1), options.progress);
    if ((await planOrUndefined(x, options)) === undefined)
      throw invalid(
        'mode',
        mode,
        `'blend' for ${call.component.name}: its layers are not known well enough to share statistics`,
      );
    return sharedRows(x, tiles, call.entry.scale / call.entry.pixels, options);
  }

  #seamlessOptions(x: Tensor, call: Call): SeamlessOptions {
    const { component, entry, signal, pipeline } = call;
    return {
      component,
      signal,
      entry: entry.name,
      input: entry.input,
      budget: this.#budget(x, call),
      tempDir: this.#options.tempDir,
      spillType: this.#options.spillDtype,
      progress: (done, total) => pipeline.progress(entry.name, done, total),
    };
  }

  #budget(x: Tensor, { pipeline, entry }: Call): number {
    const { budget } = this.#options;
    return budget === undefined
      ? defaultBudget(pipeline.memoryLimit, pixelsOf(x, entry), entry.name)
      : parseBytes(budget, 'budget');
  }

  /** How a picture is cut into tiles; `undefined` if it is no larger than one on either side. */
  #tilePlan(x: Tensor, { entry, pipeline }: Call): TilePlan | undefined {
    const [rows = 1, columns = 1] = x.dims.slice(-2);
    const [vertical, horizontal] = this.#tileSizes(entry, pixelsOf(x, entry), pipeline.memoryLimit);
    const [height, width] = [entry.planAxis(vertical, entry.scale), entry.planAxis(horizontal, entry.scale)];
    if (rows <= height.tile && columns <= width.tile) return undefined;
    if (Math.min(height.stride, width.stride) >= 1) return { height, width };
    throw invalid(
      this.#options.tileSampleMinHeight === undefined ? 'tileSampleMinSize' : 'tileSampleStrideHeight',
      vertical.stride ?? vertical.size,
      `more pixels: one latent is ${entry.scale} of them, and tiles are at least one apart`,
    );
  }

  #tileSizes(
    { sampleSize, scale, widestChannels, tiling }: VaeEntry,
    pixels: number,
    memoryLimit: number | undefined,
  ): readonly [TileSize, TileSize] {
    const {
      tileSampleMinSize,
      tileOverlapFactor,
      tileSampleMinHeight,
      tileSampleMinWidth,
      tileSampleStrideHeight,
      tileSampleStrideWidth,
    } = this.#options;
    if (tileSampleMinHeight !== undefined) {
      return [
        { size: tileSampleMinHeight, stride: tileSampleStrideHeight },
        { size: tileSampleMinWidth as number, stride: tileSampleStrideWidth },
      ];
    }
    if (tiling !== undefined && tileSampleMinSize === undefined && tileOverlapFactor === undefined)
      return videoTiles({ tiling, scale, widestChannels, memoryLimit });
    const size = tileSampleMinSize ?? tileThatFits({ sampleSize, scale, widestChannels, pixels, memoryLimit });
    const square = { size, overlap: tileOverlapFactor ?? DEFAULT_OVERLAP };
    return [square, square];
  }
}

/** Pixels of one picture. */
function pixelsOf({ dims }: Tensor, entry: VaeEntry): number {
  const [rows = 1, columns = 1] = dims.slice(-2);
  return rows * columns * entry.pixels ** 2;
}

async function* eachPicture(
  x: Tensor,
  compute: (one: Tensor) => AsyncIterable<SampleRows> | Promise<AsyncIterable<SampleRows>>,
): AsyncGenerator<SampleRows> {
  for (const [index, one] of splitBatch(x).entries()) {
    for await (const part of await compute(one)) yield { ...part, index };
  }
}

async function planOrUndefined(x: Tensor, options: SeamlessOptions): Promise<SeamlessPlan | undefined> {
  try {
    return await planSeamless(x, options);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function invalid(argument: string, value: unknown, expected: string): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
