import type { JSX } from 'preact';
import { ask } from '../api/ask.js';
import { server } from '../form/models.js';
import { Icon } from './Icon.js';
import { tell } from './notices.js';
import { session } from './session.js';
import { switchTheme } from './theme.js';

/** The page's name, and what is for all of it. */
export function Header(): JSX.Element {
  return (
    <header class="header">
      <img src="./icon.svg" alt="" width="28" height="28" />
      <h1>thimble</h1>
      <span class="version">{server.value?.version}</span>
      {session.value === 'open' && server.value?.guarded === true && (
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      )}
      <button type="button" class="quiet" onClick={switchTheme} aria-label="Light or dark" title="Light or dark">
        <Icon name="theme" />
      </button>
    </header>
  );
}

async function signOut(): Promise<void> {
  try {
    await ask('logout', { method: 'POST' });
    session.value = 'needed';
  } catch (error) {
    tell(error);
  }
}
