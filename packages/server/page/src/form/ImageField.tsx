import { useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { Icon } from '../shell/Icon.js';
import { choosePicture, inputPicture } from './inputPicture.js';
import { hasMask } from './maskStrokes.js';
import { MaskEditor } from './MaskEditor.js';
import { isRefused } from './NumberField.js';
import { change, settings } from './settings.js';
import { settingsOf } from './settingsOf.js';

/** A picture to begin with, what of it is made anew, and how far that may go from it. */
export function ImageField(): JSX.Element {
  const file = useRef<HTMLInputElement>(null);
  const picture = inputPicture.value;
  return (
    <fieldset class="image-field" aria-invalid={isRefused(['image', 'mask', 'maskImage'])}>
      <legend>Begin with a picture</legend>
      <input
        ref={file}
        type="file"
        accept="image/*"
        hidden
        onChange={({ currentTarget }) => {
          const [chosen] = currentTarget.files ?? [];
          if (chosen !== undefined) void choosePicture(chosen);
          currentTarget.value = '';
        }}
      />
      {picture === undefined ? (
        <button type="button" class="drop" onClick={() => file.current?.click()}>
          <Icon name="picture" />
          Choose, drop or paste a picture
        </button>
      ) : (
        <>
          <MaskEditor picture={picture} />
          <Strength />
          <div class="buttons">
            <button type="button" onClick={() => file.current?.click()}>
              Another one
            </button>
            <button type="button" onClick={() => void choosePicture(undefined)}>
              Without it
            </button>
            {picture.parameters !== undefined && (
              <button type="button" onClick={() => picture.parameters && change(settingsOf(picture.parameters))}>
                Use its settings
              </button>
            )}
          </div>
        </>
      )}
    </fieldset>
  );
}

function Strength(): JSX.Element {
  // What the pipelines take where nothing is said.
  const value = settings.value.strength === '' ? (hasMask.value ? '1' : '0.8') : settings.value.strength;
  return (
    <label class="field strength">
      <span>
        Strength <output>{value}</output>
      </span>
      <input
        type="range"
        name="strength"
        min="0.05"
        max="1"
        step="0.05"
        value={value}
        onInput={({ currentTarget }) => change({ strength: currentTarget.value })}
      />
    </label>
  );
}
