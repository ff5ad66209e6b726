/** Width and height, in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The size of a picture's shape that has about as many pixels as the model was trained with, in whole steps. */
export function fittingSize({ width, height }: Size, trained: Size, step: number): Size {
  const scale = Math.sqrt((trained.width * trained.height) / (width * height));
  const side = (length: number): number => Math.max(step, Math.round((length * scale) / step) * step);
  return { width: side(width), height: side(height) };
}
