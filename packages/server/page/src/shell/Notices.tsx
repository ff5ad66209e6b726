import type { JSX } from 'preact';
import { Icon } from './Icon.js';
import { notice, reachable } from './notices.js';

/** What went wrong. */
export function Notices(): JSX.Element {
  return (
    <div class="notices" aria-live="assertive">
      {!reachable.value && <p class="notice">The server cannot be reached. It is asked again and again.</p>}
      {notice.value !== undefined && (
        <p class="notice">
          {notice.value.text}
          <button type="button" class="quiet" aria-label="Put away" onClick={() => (notice.value = undefined)}>
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  );
}
