import { computed, signal } from '@preact/signals';
import { brush } from './brush.js';
import type { Size } from './fittingSize.js';

/** A place on a picture: parts of its longer side, from its upper left corner. */
export type MaskPoint = readonly [x: number, y: number];

/** A stroke over a picture, as wide as this part of its longer side. */
export interface MaskStroke {
  readonly erases: boolean;
  readonly width: number;
  readonly points: readonly MaskPoint[];
}

/** What was painted, in order. */
export const maskStrokes = signal<readonly MaskStroke[]>([]);

/** Whether anything is to be made anew. */
export const hasMask = computed(() => maskStrokes.value.some(({ erases }) => !erases));

/** Puts the brush down. */
export function beginStroke(at: MaskPoint): void {
  const stroke = { erases: brush.erases.value, width: brush.width.value, points: [at] };
  maskStrokes.value = [...maskStrokes.value, stroke];
}

/** Draws on to a place. */
export function extendStroke(to: MaskPoint): void {
  const [last] = maskStrokes.value.slice(-1);
  if (last === undefined) return;
  maskStrokes.value = [...maskStrokes.value.slice(0, -1), { ...last, points: [...last.points, to] }];
}

/** Paints nothing. */
export function clearMask(): void {
  maskStrokes.value = [];
}

/** Draws what was painted in a colour, on nothing. */
export function drawMask(context: CanvasRenderingContext2D, { width, height }: Size, colour: string): void {
  const side = Math.max(width, height);
  context.clearRect(0, 0, width, height);
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.strokeStyle = colour;
  for (const stroke of maskStrokes.value) {
    context.globalCompositeOperation = stroke.erases ? 'destination-out' : 'source-over';
    context.lineWidth = stroke.width * side;
    context.beginPath();
    // A line from where it begins to there is a dot.
    for (const [x, y] of [...stroke.points.slice(0, 1), ...stroke.points]) context.lineTo(x * side, y * side);
    context.stroke();
  }
  context.globalCompositeOperation = 'source-over';
}

/** The mask of a picture as the server takes it, white where it is made anew, as a `data:` URL; undefined if nothing was painted. */
export function maskOf(size: Size): string | undefined {
  if (!hasMask.value) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = size.width;
  canvas.height = size.height;
  const context = canvas.getContext('2d');
  if (context === null) return undefined;
  drawMask(context, size, 'white');
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = 'black';
  context.fillRect(0, 0, size.width, size.height);
  return canvas.toDataURL('image/png');
}
