import type { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../../fields/refuseOption.js';
import { flatten } from '../../images/flatten.js';
import { Image } from '../../images/Image.js';
import { type ImageInput, isPlainImage, isTensor } from '../../images/ImageInput.js';
import type { PlainImage } from '../../images/ImageParts.js';

/** Tells of something that may not be what was meant. */
export type Warn = (code: string, message: string) => void;

/** What an option about pictures holds. */
export type LoadedPictures = { readonly tensor: Tensor } | { readonly images: readonly PlainImage[] };

/**
 * Reads what was given as `option`: one tensor, or images without transparency, which is laid on `background` with a warning.
 *
 * @throws ERR_ARGUMENT_INVALID for tensors in a list, and for one with NaN; what {@link Image.open} throws
 */
export async function loadPictures(
  option: string,
  given: ImageInput | readonly ImageInput[],
  { background, warn }: { readonly background: 0 | 255; readonly warn: Warn },
): Promise<LoadedPictures> {
  const inputs: readonly ImageInput[] = isList(given) ? given : [given];
  const [first] = inputs;
  if (isTensor(first) && inputs.length === 1) return { tensor: checkedTensor(option, first) };
  const images: PlainImage[] = [];
  for (const input of inputs) {
    if (isTensor(input)) return refuseOption(option, 'tensors in a list', 'one tensor with all pictures, [n, …]');
    const { image, transparent } = flatten(await imageOf(input), background);
    if (transparent)
      warn(
        'WARN_IMAGE_TRANSPARENT',
        `The picture given as ${option} is transparent in places; they were laid on ${background === 0 ? 'black' : 'white'}.`,
      );
    images.push(image);
  }
  return { images };
}

/** Sizes, for messages: `64x48, 32x32`. */
export function sizesOf(images: readonly Pick<PlainImage, 'width' | 'height'>[]): string {
  return images.map(({ width, height }) => `${width}x${height}`).join(', ');
}

async function imageOf(input: Exclude<ImageInput, Tensor>): Promise<PlainImage> {
  return isPlainImage(input) ? input : Image.open(input);
}

function checkedTensor(option: string, tensor: Tensor): Tensor {
  if (tensor.size === 0) refuseOption(option, `float32 [${tensor.dims.join(', ')}]`, 'a tensor with elements');
  for (const value of tensor.data as Float32Array)
    if (!Number.isFinite(value)) refuseOption(option, String(value), 'finite numbers');
  return tensor;
}

function isList(given: ImageInput | readonly ImageInput[]): given is readonly ImageInput[] {
  return Array.isArray(given);
}
