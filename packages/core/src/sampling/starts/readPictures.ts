import { checkMembers } from '../../fields/checkMembers.js';
import type { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../../fields/refuseOption.js';
import { toGrey, toRgb } from '../../images/grey.js';
import type { PlainImage } from '../../images/ImageParts.js';
import { resizeImage } from '../../images/resize/resizeImage.js';
import { samplesOfImages } from '../../images/samplesOfImages.js';
import { cropToMask } from './cropToMask.js';
import type { DenoiserInput } from './denoiserInput.js';
import { type LoadedPictures, loadPictures, sizesOf, type Warn } from './loadPictures.js';
import { maskOf } from './maskOf.js';
import type { PictureValues } from './pictureFields.js';
import { checkPixels, samplesOfPixels } from './pixelTensors.js';
import type { Pictures, StartImage } from './Pictures.js';

/** The options that pictures depend on. */
export interface PictureRunOptions extends PictureValues {
  /** Undefined where the picture says it. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly outputType: string;
}

/** What pictures are read for. */
export interface PictureReader {
  readonly denoiser: DenoiserInput;
  /** Pixels of a latent, on each side. */
  readonly scaleFactor: number;
  /** Sides of pictures are multiples of this many pixels, where a denoiser takes several latents at once. Default: `scaleFactor`. */
  readonly multiple?: number;
  /** The size that the model was made for, in pixels. */
  readonly size: readonly [width: number, height: number];
  readonly warn: Warn;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Reads what a run begins with: pictures and masks from files or memory, resized as diffusers does (source: diffusers image_processor.py). Nothing for a run from noise.
 *
 * @throws ERR_ARGUMENT_INVALID for options that contradict each other or the model; ERR_IMAGE_DECODE, ERR_IMAGE_SIZE, ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS
 */
export async function readPictures(options: PictureRunOptions, reader: PictureReader): Promise<Pictures | undefined> {
  checkMembers('options', options, 'the options of a run', []);
  checkMembers('reader', reader, '{ vae, denoiser, warn }', ['denoiser']);
  const { image, maskImage, paddingMaskCrop } = options;
  const { denoiser, warn } = reader;
  if (image === undefined) return undefined;
  const loaded = await loadPictures('image', image, { background: 255, warn });
  if (maskImage === undefined)
    return 'tensor' in loaded ? ofTensor(loaded.tensor, options, reader) : ofImages(loaded.images, options, reader);
  const masks = await loadPictures('maskImage', maskImage, { background: 0, warn });
  if (paddingMaskCrop !== undefined) return cropped(loaded, masks, options, reader);
  const pictures =
    'tensor' in loaded ? ofTensor(loaded.tensor, options, reader) : await ofImages(loaded.images, options, reader);
  const mask = await maskOf(masks, pictures, warn);
  if (mask.count !== 1 && mask.count !== pictures.image.count)
    refuseOption('maskImage', `${mask.count} masks`, `1 mask, or one for each of ${pictures.image.count} pictures`);
  if (pictures.image.latents !== undefined && denoiser.fillsIn)
    refuseOption('image', 'latents', 'pixels: this model is given the picture without what the mask covers');
  return { ...pictures, mask };
}

/** Checks what can be known before a picture is read. @throws ERR_ARGUMENT_INVALID for options that contradict each other or the model */
export function checkPictureOptions(options: PictureRunOptions, denoiser: DenoiserInput): void {
  checkMembers('options', options, 'the options of a run', []);
  const { image, maskImage, strength, paddingMaskCrop, outputType } = options;
  checkMembers('denoiser', denoiser, '{ channels, fillsIn }', ['channels', 'fillsIn']);
  const { fillsIn, channels } = denoiser;
  const needed = 'a picture beside it, as the option image';
  if (image === undefined && maskImage !== undefined) refuseOption('maskImage', 'given', needed);
  if (image === undefined && strength !== undefined) refuseOption('strength', strength, needed);
  if (maskImage === undefined && paddingMaskCrop !== undefined)
    refuseOption('paddingMaskCrop', paddingMaskCrop, 'a mask beside it, as the option maskImage');
  if (paddingMaskCrop !== undefined && outputType !== 'image')
    refuseOption('outputType', outputType, "'image' with paddingMaskCrop: what is made is laid over the picture");
  if (maskImage === undefined && fillsIn)
    refuseOption(
      'maskImage',
      maskImage,
      `a mask, and a picture as the option image: this model was trained to fill in, its UNet takes ${2 * channels + 1} channels`,
    );
}

/** Pixels, or latents: by the number of channels. They are taken as they are. */
function ofTensor(
  tensor: Tensor,
  given: PictureRunOptions,
  { denoiser, scaleFactor, multiple = scaleFactor }: PictureReader,
): Pictures {
  const [count = 0, channels, rows = 0, columns = 0] = tensor.dims;
  const shown = `float32 [${tensor.dims.join(', ')}]`;
  const latents = channels === denoiser.channels && channels !== 3;
  if (!latents && channels !== 3)
    refuseOption('image', shown, `float32 [n, 3, height, width], pixels, or [n, ${denoiser.channels}, h, w], latents`);
  const [width, height] = latents ? [columns * scaleFactor, rows * scaleFactor] : [columns, rows];
  if (width % multiple !== 0 || height % multiple !== 0)
    refuseOption('image', shown, `sides that are multiples of ${multiple}; only an Image or a file is resized`);
  if (width !== (given.width ?? width) || height !== (given.height ?? height))
    refuseOption(
      'image',
      `${shown}, for ${width}x${height}`,
      `${given.width ?? width}x${given.height ?? height}, as width and height say; only an Image or a file is resized`,
    );
  if (!latents) checkPixels('image', tensor);
  const image = { count, latents: latents ? tensor : undefined, pixels: () => samplesOfPixels(tensor) };
  return { width, height, image };
}

async function ofImages(
  images: readonly PlainImage[],
  given: PictureRunOptions,
  { scaleFactor, multiple = scaleFactor }: PictureReader,
): Promise<Pictures> {
  const [first] = images as readonly [PlainImage, ...PlainImage[]];
  const own = { width: floorTo(first.width, multiple), height: floorTo(first.height, multiple) };
  const size: Size = { width: given.width ?? own.width, height: given.height ?? own.height };
  if (size.width === 0 || size.height === 0)
    refuseOption('image', sizesOf([first]), `a picture of ${multiple}x${multiple} pixels or more, or width and height`);
  if (images.length > 1 && !images.every((image) => sameSize(image, first)))
    refuseOption('image', sizesOf(images), 'pictures of one size');
  if (images.length > 1 && !sameSize(size, own))
    refuseOption(
      'image',
      sizesOf(images),
      `pictures of ${size.width}x${size.height}, as width and height say; only a single one is resized`,
    );
  const resized: PlainImage[] = [];
  for (const image of images) resized.push(toRgb(await resizeImage(image, size)));
  return { ...size, image: imageOf(resized) };
}

/** The part around the mask, at the size of the run or of the model. */
async function cropped(
  loaded: LoadedPictures,
  masks: LoadedPictures,
  given: PictureRunOptions,
  { size }: PictureReader,
): Promise<Pictures> {
  const image = single('image', loaded);
  const mask = single('maskImage', masks);
  const [width, height] = [given.width ?? size[0], given.height ?? size[1]];
  const original = toRgb(image);
  const whole = toGrey(await resizeImage(mask, original));
  const parts = await cropToMask(original, whole, { width, height, padding: given.paddingMaskCrop as number });
  const start = await maskOf({ images: [parts.mask] }, { width, height }, () => undefined);
  return {
    width,
    height,
    image: imageOf([parts.image]),
    mask: start,
    crop: { region: parts.region, original, mask: whole },
  };
}

function single(option: string, loaded: LoadedPictures): PlainImage {
  if ('images' in loaded && loaded.images.length === 1) return loaded.images[0] as PlainImage;
  return refuseOption(
    option,
    'images' in loaded ? 'a list' : 'a tensor',
    'one Image, path or file with paddingMaskCrop',
  );
}

function imageOf(images: readonly PlainImage[]): StartImage {
  return { count: images.length, latents: undefined, pixels: () => samplesOfImages(images) };
}

function floorTo(length: number, step: number): number {
  return length - (length % step);
}

function sameSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}
