import { Tensor } from '@thimble/core';
import {
  type ComponentHandle,
  concatBatch,
  imagesFromPixels,
  type InputPictures,
  type PlainImage,
  refuseOption,
  type RunContext,
} from '@thimble/core/plugin';
import { clipPixels } from './clipPixels.js';
import type { CLIPVisionModelWithProjection } from './CLIPVisionModelWithProjection.js';

/** What a UNet attends to of the pictures of a run, [1, tokens, crossAttentionDim]; with guidance also what stands for none. */
export interface ImageTokens {
  readonly positive: Tensor;
  readonly negative: Tensor | undefined;
}

/** What an {@link ImageEmbedder} works with. */
export interface ImageEmbedderParts {
  readonly encoder: ComponentHandle;
  readonly projection: ComponentHandle;
  /** Whether the projection is given the encoder's hidden states. */
  readonly plus: boolean;
}

/** Makes tokens of pictures: an image encoder's embeddings, or its hidden states before the last layer, projected (source: diffusers `encode_image`). */
export class ImageEmbedder {
  readonly #parts: ImageEmbedderParts;
  readonly #output: string;

  constructor(parts: ImageEmbedderParts) {
    this.#parts = parts;
    this.#output = parts.plus ? `hidden_states.${this.#model.layerCount - 1}` : 'image_embeds';
  }

  get #model(): CLIPVisionModelWithProjection {
    return this.#parts.encoder.model as CLIPVisionModelWithProjection;
  }

  /** The tokens of pictures, one after the other. Of none is an embedding of zeros, or for Plus what the encoder makes of pixels of zeros. */
  async ofPictures(pictures: InputPictures, guided: boolean, run: RunContext): Promise<ImageTokens> {
    const embeds: Tensor[] = [];
    for (const image of await imagesOf(pictures))
      embeds.push(await this.#encode(await clipPixels(image, this.#model.imageSize), run));
    const none = guided ? await this.#none(embeds[0] as Tensor, run) : undefined;
    const positive = joinTokens(await this.#project(embeds, run));
    if (none === undefined) return { positive, negative: undefined };
    const [negative] = (await this.#project([none], run)) as [Tensor];
    return { positive, negative: joinTokens(embeds.map(() => negative)) };
  }

  /**
   * The tokens of embeddings: [1, pictures, width], for Plus [1, pictures, image tokens, width]; with guidance [2, …], those of no picture first.
   *
   * @throws ERR_ARGUMENT_INVALID for another shape
   */
  async ofEmbeds(embeds: Tensor, guided: boolean, run: RunContext): Promise<ImageTokens> {
    const { plus } = this.#parts;
    const rank = plus ? 4 : 3;
    if (embeds.dims.length !== rank || embeds.dims[0] !== (guided ? 2 : 1))
      refuseOption(
        'ipAdapterImageEmbeds',
        `float32 [${embeds.dims.join(', ')}]`,
        `float32 [${guided ? '2, with guidance those of no picture first' : '1'}, pictures, ${plus ? 'image tokens, ' : ''}width]`,
      );
    const tokens: Tensor[] = [];
    for (let row = 0; row < (guided ? 2 : 1); row++)
      tokens.push(joinTokens(await this.#project(picturesOf(embeds, row), run)));
    return { positive: tokens.at(-1) as Tensor, negative: guided ? tokens[0] : undefined };
  }

  async #none(like: Tensor, run: RunContext): Promise<Tensor> {
    if (!this.#parts.plus) return zeros(like.dims);
    const { imageSize } = this.#model;
    return this.#encode(zeros([1, 3, imageSize, imageSize]), run);
  }

  async #encode(pixel_values: Tensor, run: RunContext): Promise<Tensor> {
    const options = { run, signal: run.signal, outputs: [this.#output] };
    return (await this.#parts.encoder.call({ pixel_values }, options))[this.#output] as Tensor;
  }

  async #project(all: readonly Tensor[], run: RunContext): Promise<Tensor[]> {
    const tokens: Tensor[] = [];
    for (const image_embeds of all) {
      const made = await this.#parts.projection.call({ image_embeds }, { run, signal: run.signal });
      tokens.push(made['ip_hidden_states'] as Tensor);
    }
    return tokens;
  }
}

/** The tokens of a batch: with guidance the first half has those of no picture. */
export function tokensOfBatch({ positive, negative }: ImageTokens, batch: number): Tensor {
  const half = negative === undefined ? 0 : batch / 2;
  return concatBatch(Array.from({ length: batch }, (_, i) => (i < half ? (negative as Tensor) : positive)));
}

async function imagesOf(pictures: InputPictures): Promise<readonly PlainImage[]> {
  return pictures.images ?? imagesFromPixels(await pictures.pixels(pictures.size));
}

/** [1, a, width] and [1, b, width] → [1, a + b, width]. */
function joinTokens(all: readonly Tensor[]): Tensor {
  const width = all[0]?.dims[2] as number;
  const data = Float32Array.from(all.flatMap((tensor) => [...(tensor.data as Float32Array)]));
  return new Tensor('float32', data, [1, data.length / width, width]);
}

/** The embeddings of each picture of a row, [1, width] or [1, image tokens, width]. */
function picturesOf({ data, dims }: Tensor, row: number): Tensor[] {
  const [, count = 1, ...rest] = dims;
  const size = rest.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, i) => {
    const start = (row * count + i) * size;
    return new Tensor('float32', (data as Float32Array).slice(start, start + size), [1, ...rest]);
  });
}

function zeros(dims: readonly number[]): Tensor {
  return new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
}
