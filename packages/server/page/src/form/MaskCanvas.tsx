import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { brush } from './brush.js';
import type { Size } from './fittingSize.js';
import type { InputPicture } from './inputPicture.js';
import { beginStroke, drawMask, extendStroke, type MaskPoint, maskStrokes } from './maskStrokes.js';

/** How far an arrow key moves the brush: a part of the longer side. */
const KEY_STEP = 0.02;
const DIRECTIONS: Readonly<Record<string, MaskPoint>> = {
  ArrowLeft: [-KEY_STEP, 0],
  ArrowRight: [KEY_STEP, 0],
  ArrowUp: [0, -KEY_STEP],
  ArrowDown: [0, KEY_STEP],
};

/** Where the brush is, if it is over the picture, and whether it is down. */
interface Hand {
  readonly place: Signal<MaskPoint | undefined>;
  readonly down: Signal<boolean>;
}

/** A picture to paint over: with a pointer, or by keys, of which the arrows move the brush and space paints. */
export function MaskCanvas({ picture }: { readonly picture: InputPicture }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const hand: Hand = { place: useSignal<MaskPoint | undefined>(undefined), down: useSignal(false) };
  const { place, down } = hand;
  const { width, height, dataUrl } = picture;
  const strokes = maskStrokes.value;

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context) drawMask(context, { width, height }, getComputedStyle(context.canvas).color);
  }, [strokes, width, height]);

  return (
    <div class="mask-canvas">
      <img src={dataUrl} alt="The picture to begin with" />
      <canvas
        ref={canvas}
        width={width}
        height={height}
        tabIndex={0}
        role="application"
        aria-label="Paint over what is to be made anew. Arrow keys move the brush; space paints while it is held."
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          down.value = true;
          beginStroke(pointOf(event, picture));
        }}
        onPointerMove={(event) => {
          place.value = pointOf(event, picture);
          if (down.value) extendStroke(place.value);
        }}
        onPointerUp={() => (down.value = false)}
        onPointerLeave={() => (place.value = undefined)}
        onKeyDown={(event) => paintByKeys(event, picture, hand)}
        onKeyUp={({ key }) => key === ' ' && (down.value = false)}
        onFocus={() => (place.value ??= middleOf(picture))}
        onBlur={() => (place.value = undefined)}
      />
      {place.value !== undefined && <Brush at={place.value} size={picture} />}
    </div>
  );
}

function Brush({ at: [x, y], size: { width, height } }: { readonly at: MaskPoint; readonly size: Size }): JSX.Element {
  const side = Math.max(width, height) * 100;
  return (
    <div
      class="brush"
      style={{
        left: `${(x * side) / width}%`,
        top: `${(y * side) / height}%`,
        width: `${(brush.width.value * side) / width}%`,
      }}
    />
  );
}

function pointOf(event: PointerEvent & { readonly currentTarget: HTMLElement }, { width, height }: Size): MaskPoint {
  const box = event.currentTarget.getBoundingClientRect();
  const scale = width / Math.max(width, height) / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
}

function middleOf({ width, height }: Size): MaskPoint {
  const side = Math.max(width, height);
  return [width / side / 2, height / side / 2];
}

function paintByKeys(event: KeyboardEvent, size: Size, { place, down }: Hand): void {
  const way = DIRECTIONS[event.key];
  const middle = middleOf(size);
  const [x, y] = place.value ?? middle;
  if (event.key === ' ') {
    if (!event.repeat) beginStroke([x, y]);
    down.value = true;
  } else if (way !== undefined) {
    place.value = [within(x + way[0], middle[0] * 2), within(y + way[1], middle[1] * 2)];
    if (down.value) extendStroke(place.value);
  } else return;
  event.preventDefault();
}

function within(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
