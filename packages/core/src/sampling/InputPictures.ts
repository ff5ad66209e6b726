import { Tensor } from 'onnxruntime-common';
import { checkMembers } from '../fields/checkMembers.js';
import { checkInteger } from '../fields/checkNumber.js';
import { refuseOption } from '../fields/refuseOption.js';
import { toRgb } from '../images/grey.js';
import { type ImageInput, isImageInput } from '../images/ImageInput.js';
import type { PlainImage } from '../images/ImageParts.js';
import { resizeImage } from '../images/resize/resizeImage.js';
import { resizeNearest } from '../images/resize/resizeNearest.js';
import { type LoadedPictures, loadPictures, type Warn } from './starts/loadPictures.js';
import { checkPixels } from './starts/pixelTensors.js';

/** How pictures are read. */
export interface InputPicturesOptions {
  /** The option that they were given as, for messages. */
  readonly option: string;
  /** Told of what is transparent. */
  readonly warn: Warn;
  /** What lies under transparency: 0, the default, is black, 255 white. */
  readonly background?: 0 | 255 | undefined;
}

/** Pictures that a model looks at beside the latents, such as a ControlNet's lines: read once, and resized when a size is known (source: diffusers image_processor.py). */
export class InputPictures {
  readonly #loaded: LoadedPictures;

  private constructor(loaded: LoadedPictures) {
    this.#loaded = loaded;
  }

  /**
   * Reads an `Image`, a path, the bytes of a file, a list of them, or one float32 tensor [n, 3, height, width] in [0, 1].
   *
   * @throws ERR_ARGUMENT_INVALID; ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, ERR_IMAGE_DECODE, ERR_IMAGE_SIZE
   */
  static async read(given: ImageInput | readonly ImageInput[], options: InputPicturesOptions): Promise<InputPictures> {
    checkMembers('options', options, '{ option, warn }', ['option', 'warn']);
    const { option, warn, background = 0 } = options;
    if (!isImages(given)) refuseOption(option, given, 'an Image, a path, the bytes of a picture, a Tensor, or a list');
    const loaded = await loadPictures(option, given, { background, warn });
    if (!('tensor' in loaded)) return new InputPictures(loaded);
    const { tensor } = loaded;
    if (tensor.dims[1] !== 3)
      refuseOption(option, `float32 [${tensor.dims.join(', ')}]`, 'float32 [n, 3, height, width]');
    checkPixels(option, tensor);
    return new InputPictures(loaded);
  }

  get count(): number {
    const loaded = this.#loaded;
    return 'tensor' in loaded ? (loaded.tensor.dims[0] as number) : loaded.images.length;
  }

  /** Of the first one, in pixels. */
  get size(): { readonly width: number; readonly height: number } {
    const loaded = this.#loaded;
    if (!('tensor' in loaded)) return loaded.images[0] as PlainImage;
    const [, , height, width] = loaded.tensor.dims as [number, number, number, number];
    return { width, height };
  }

  /** The images; none where there is a tensor. */
  get images(): readonly PlainImage[] | undefined {
    return 'images' in this.#loaded ? this.#loaded.images : undefined;
  }

  /** Float32 [count, 3, height, width] in [0, 1]: images resized on bytes (Lanczos), a tensor to the nearest pixel. @throws ERR_ARGUMENT_INVALID for a size that is none */
  async pixels({ width, height }: { readonly width: number; readonly height: number }): Promise<Tensor> {
    for (const [name, side] of Object.entries({ width, height })) checkInteger(name, side, 1);
    const loaded = this.#loaded;
    if ('tensor' in loaded) return resizeNearest(loaded.tensor, height, width);
    const plane = width * height;
    const out = new Float32Array(loaded.images.length * 3 * plane);
    for (const [n, image] of loaded.images.entries()) {
      const { data } = toRgb(await resizeImage(image, { width, height }));
      for (let channel = 0; channel < 3; channel++)
        for (let i = 0; i < plane; i++) out[(3 * n + channel) * plane + i] = (data[3 * i + channel] as number) / 255;
    }
    return new Tensor('float32', out, [loaded.images.length, 3, height, width]);
  }
}

function isImages(given: unknown): boolean {
  return Array.isArray(given) ? given.length > 0 && given.every(isImageInput) : isImageInput(given);
}
