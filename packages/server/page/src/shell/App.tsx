import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import { choosePicture } from '../form/inputPicture.js';
import { PictureForm } from '../form/PictureForm.js';
import { Gallery } from '../gallery/Gallery.js';
import { Stage } from '../stage/Stage.js';
import { Header } from './Header.js';
import { LoginForm } from './LoginForm.js';
import { Notices } from './Notices.js';
import { session } from './session.js';

/** The page. */
export function App(): JSX.Element {
  useEffect(() => listen(), []);
  return (
    <>
      <Header />
      <Notices />
      {session.value === 'needed' && <LoginForm />}
      {session.value === 'open' && (
        <main class="workspace">
          <PictureForm />
          <div class="results">
            <Stage />
            <Gallery />
          </div>
        </main>
      )}
    </>
  );
}

/** Keys and files that are meant for the page, wherever on it they arrive. */
function listen(): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  addEventListener('keydown', onKey, { signal });
  addEventListener('paste', ({ clipboardData }) => takePicture(clipboardData), { signal });
  addEventListener('dragover', (event) => event.preventDefault(), { signal });
  addEventListener(
    'drop',
    (event) => {
      event.preventDefault();
      takePicture(event.dataTransfer);
    },
    { signal },
  );
  return () => ended.abort();
}

function onKey(event: KeyboardEvent): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    document.querySelector<HTMLFormElement>('#picture-form')?.requestSubmit();
  }
  if (event.key !== '/' || event.target !== document.body) return;
  event.preventDefault();
  document.querySelector<HTMLElement>('#prompt')?.focus();
}

function takePicture(data: DataTransfer | null): void {
  const file = [...(data?.files ?? [])].find(({ type }) => type.startsWith('image/'));
  if (file !== undefined && session.value === 'open') void choosePicture(file);
}
