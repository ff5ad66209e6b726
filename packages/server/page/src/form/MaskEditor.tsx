import type { JSX } from 'preact';
import { BrushTools } from './BrushTools.js';
import type { InputPicture } from './inputPicture.js';
import { MaskCanvas } from './MaskCanvas.js';
import { hasMask } from './maskStrokes.js';

/** The picture to begin with, over which one paints what is to be made anew. */
export function MaskEditor({ picture }: { readonly picture: InputPicture }): JSX.Element {
  return (
    <div class="mask-editor">
      <MaskCanvas picture={picture} />
      <p class="hint">
        {hasMask.value
          ? 'What is painted over is made anew.'
          : 'All of it is made anew. Paint over a part to change that alone.'}
      </p>
      <BrushTools />
    </div>
  );
}
