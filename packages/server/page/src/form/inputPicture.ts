import { signal } from '@preact/signals';
import { readParameters } from '../gallery/PictureShelf.js';
import type { Parameters } from '../gallery/parseParameters.js';
import { tell } from '../shell/notices.js';
import { fittingSize, type Size } from './fittingSize.js';
import { clearMask } from './maskStrokes.js';
import { defaultOf } from './models.js';
import { change } from './settings.js';

/** A picture to begin with. */
export interface InputPicture extends Size {
  /** A PNG, as a `data:` URL. */
  readonly dataUrl: string;
  /** How it was made, as its file says. */
  readonly parameters: Parameters | undefined;
}

/** A longer side is made smaller: models are trained with less, and requests are limited. */
const LONGEST_SIDE = 2048;
/** Where nobody knows what the model was trained with. */
const USUAL_SIDE = 512;
/** Latents are so many pixels wide, with every model. */
const STEP = 8;

/** The one that is chosen. */
export const inputPicture = signal<InputPicture | undefined>(undefined);

/** Chooses a picture, or none; the picture that is made gets its shape. */
export async function choosePicture(file: Blob | undefined): Promise<void> {
  clearMask();
  if (file === undefined) {
    inputPicture.value = undefined;
    return;
  }
  try {
    const picture = await readPicture(file);
    const side = (option: string): number => Number(defaultOf(option)) || USUAL_SIDE;
    const { width, height } = fittingSize(picture, { width: side('width'), height: side('height') }, STEP);
    change({ width: String(width), height: String(height) });
    inputPicture.value = picture;
  } catch {
    tell(new Error('This file is no picture that the browser can read.'));
  }
}

/** Drawn anew, so that it stands upright and is a PNG. */
async function readPicture(file: Blob): Promise<InputPicture> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const { width, height } = canvas;
  return { width, height, dataUrl: canvas.toDataURL('image/png'), parameters: await readParameters(file) };
}
