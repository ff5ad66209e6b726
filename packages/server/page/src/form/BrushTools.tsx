import type { JSX } from 'preact';
import { Icon } from '../shell/Icon.js';
import { brush } from './brush.js';
import { clearMask, maskStrokes } from './maskStrokes.js';

/** How wide the brush is, whether it erases, and how to take back what was painted. */
export function BrushTools(): JSX.Element {
  const strokes = maskStrokes.value;
  return (
    <div class="brushes">
      <label class="field">
        <span class="visually-hidden">Brush</span>
        <input
          type="range"
          min="0.02"
          max="0.4"
          step="0.01"
          title="Width of the brush"
          value={brush.width.value}
          onInput={({ currentTarget }) => (brush.width.value = Number(currentTarget.value))}
        />
      </label>
      <button
        type="button"
        aria-pressed={brush.erases.value}
        onClick={() => (brush.erases.value = !brush.erases.value)}
      >
        Erase
      </button>
      <button
        type="button"
        aria-label="Undo"
        title="Undo"
        disabled={strokes.length === 0}
        onClick={() => (maskStrokes.value = strokes.slice(0, -1))}
      >
        <Icon name="undo" />
      </button>
      <button type="button" aria-label="Clear" title="Clear" disabled={strokes.length === 0} onClick={clearMask}>
        <Icon name="close" />
      </button>
    </div>
  );
}
