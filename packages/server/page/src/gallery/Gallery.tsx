import type { JSX } from 'preact';
import { shown } from '../stage/shown.js';
import { shelf } from './PictureShelf.js';

/** The pictures that were made. Arrow keys go from one to the next. */
export function Gallery(): JSX.Element | null {
  const pictures = shelf.pictures.value;
  if (pictures.length === 0) return null;
  return (
    <section class="gallery" aria-label="Gallery">
      <ul onKeyDown={onKeyDown}>
        {pictures.map(({ key, url, parameters }) => (
          <li key={key}>
            <button
              type="button"
              aria-pressed={shown.value === key}
              title={parameters?.prompt}
              onClick={() => {
                shown.value = key;
                document.getElementById('stage')?.scrollIntoView({ block: 'nearest' });
              }}
            >
              <img src={url} alt={parameters?.prompt ?? 'A picture'} loading="lazy" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function onKeyDown(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const buttons = [...event.currentTarget.querySelectorAll('button')];
  const from = buttons.findIndex((button) => button === document.activeElement);
  if (way === undefined || from < 0) return;
  const next = buttons[from + way];
  next?.focus();
  next?.click();
  event.preventDefault();
}
