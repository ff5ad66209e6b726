import { type ComponentHandle, type Next, type Plugin, type PluginContext, type Tensor, ThimbleError } from '@thimble/core';
import { computeTiled } from './computeTiled.js';
import { tileThatFits } from './tileThatFits.js';
import { decodingAxis, encodingAxis, type AxisPlan, type TileSize } from './TilePlan.js';
import { checkTilingOptions, type VaeTilingOptions } from './VaeTilingOptions.js';

/** diffusers' `tile_overlap_factor`. */
const DEFAULT_OVERLAP = 0.25;

/** How a VAE's pixels and latents hang together. */
interface VaeSizes {
  readonly sampleSize: number;
  readonly scale: number;
  /** Channels of the largest activations, which are those at full size. */
  readonly widestChannels: number;
}

/**
 * Decodes and encodes large pictures tile by tile, as diffusers' `enable_tiling()`: tiles overlap and are blended. A picture that is no larger
 * than a tile on either side is computed whole.
 */
export class VaeTilingPlugin implements Plugin {
  readonly name = 'thimble:vae-tiling';
  readonly engines = { thimble: '^0.1.0' };
  readonly #options: VaeTilingOptions;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option out of range, or options that contradict each other */
  constructor(options: VaeTilingOptions = {}) {
    this.#options = checkTilingOptions(options);
  }

  apply({ hooks, pipeline }: PluginContext): void {
    hooks.beforeDecode.tap(this.name, ({ component, wrap }) => {
      const sizes = sizesOf(pipeline.components[component] as ComponentHandle);
      wrap((next) => async (z) => this.#tiled(z, sizes, pipeline.memoryLimit, decodingAxis, sizes.scale, next));
    });
    hooks.beforeEncode.tap(this.name, ({ component, wrap }) => {
      const sizes = sizesOf(pipeline.components[component] as ComponentHandle);
      wrap((next) => async (x) => this.#tiled(x, sizes, pipeline.memoryLimit, encodingAxis, 1, next));
    });
  }

  async #tiled(x: Tensor, sizes: VaeSizes, memoryLimit: number | undefined, planAxis: PlanAxis, pixelsPerElement: number, next: Next<Tensor, Tensor>): Promise<Tensor> {
    const [, , rows = 1, columns = 1] = x.dims;
    const [vertical, horizontal] = this.#tileSizes(sizes, rows * pixelsPerElement * columns * pixelsPerElement, memoryLimit);
    const [height, width] = [planAxis(vertical, sizes.scale), planAxis(horizontal, sizes.scale)];
    if (rows <= height.tile && columns <= width.tile) return next(x);
    if (height.stride < 1 || width.stride < 1 || height.keep < 1 || width.keep < 1) throw tooSmall(vertical, sizes);
    return computeTiled(x, { height, width }, next);
  }

  #tileSizes({ sampleSize, scale, widestChannels }: VaeSizes, pixels: number, memoryLimit: number | undefined): readonly [TileSize, TileSize] {
    const { tileSampleMinSize, tileOverlapFactor, tileSampleMinHeight, tileSampleMinWidth, tileSampleStrideHeight, tileSampleStrideWidth } = this.#options;
    if (tileSampleMinHeight !== undefined) {
      return [
        { size: tileSampleMinHeight, stride: tileSampleStrideHeight as number },
        { size: tileSampleMinWidth as number, stride: tileSampleStrideWidth as number },
      ];
    }
    const size = tileSampleMinSize ?? tileThatFits({ sampleSize, scale, widestChannels, pixels, memoryLimit });
    const square = { size, overlap: tileOverlapFactor ?? DEFAULT_OVERLAP };
    return [square, square];
  }
}

type PlanAxis = (size: TileSize, scale: number) => AxisPlan;

function sizesOf({ config }: ComponentHandle): VaeSizes {
  const channels = Array.isArray(config['block_out_channels']) ? (config['block_out_channels'] as number[]) : [64];
  const scale = 2 ** (channels.length - 1);
  return { sampleSize: Number(config['sample_size'] ?? 32), scale, widestChannels: channels[1] ?? channels[0] ?? 64 };
}

function tooSmall({ size }: TileSize, { scale }: VaeSizes): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'tileSampleMinSize', value: size, expected: `more pixels: one latent is ${scale} of them, and a tile needs several with an overlap` });
}
