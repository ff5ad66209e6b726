import type { JSX } from 'preact';
import { choosePicture } from '../form/inputPicture.js';
import { takes } from '../form/models.js';
import { change } from '../form/settings.js';
import { settingsOf } from '../form/settingsOf.js';
import { fileName } from '../gallery/fileName.js';
import { shelf, type ShelfPicture } from '../gallery/PictureShelf.js';
import { Icon } from '../shell/Icon.js';
import { shown } from './shown.js';

const WIDE = '(width >= 820px)';

/** How a picture was made, as its file says, and what one can do with it. */
export function PictureFacts({ picture }: { readonly picture: ShelfPicture }): JSX.Element {
  const { key, url, blob, parameters } = picture;
  return (
    <>
      <div class="buttons">
        {parameters !== undefined && (
          <button type="button" onClick={() => change(settingsOf(parameters))}>
            <Icon name="settings" />
            Use settings
          </button>
        )}
        {takes('strength') && (
          <button type="button" onClick={() => void choosePicture(blob)}>
            <Icon name="edit" />
            Edit
          </button>
        )}
        <a class="button" href={url} download={fileName(parameters)}>
          <Icon name="download" />
          Download
        </a>
        <button
          type="button"
          onClick={() => {
            void shelf.remove(key);
            shown.value = 'job';
          }}
        >
          <Icon name="remove" />
          Delete
        </button>
      </div>
      {parameters !== undefined && (
        <details open={matchMedia(WIDE).matches}>
          <summary>How it was made</summary>
          <dl class="parameters">
            <Fact name="Prompt" value={parameters.prompt} />
            {parameters.negativePrompt !== '' && <Fact name="Negative prompt" value={parameters.negativePrompt} />}
            {[...parameters.settings].map(([name, value]) => (
              <Fact key={name} name={name} value={value} />
            ))}
          </dl>
        </details>
      )}
    </>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }): JSX.Element {
  return (
    <div class={/prompt/i.test(name) ? 'wide' : ''}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
