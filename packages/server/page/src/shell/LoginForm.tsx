import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { ask } from '../api/ask.js';
import { RequestError } from '../api/RequestError.js';
import { loadModels } from '../form/models.js';
import { tell } from './notices.js';

/** Asks for the token, which the server then has a cookie for: the page keeps nothing of it. */
export function LoginForm(): JSX.Element {
  const refused = useSignal(false);
  const token = useSignal('');
  const signIn = async (): Promise<void> => {
    try {
      await ask('login', { method: 'POST', body: { token: token.value } });
      await loadModels();
    } catch (error) {
      refused.value = error instanceof RequestError && error.status === 401;
      tell(error);
    }
  };
  return (
    <main class="login">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <h2>This server asks for a token</h2>
        <p>It is the one that the server was started with. It is asked for once.</p>
        <label class="field">
          Token
          <input
            name="token"
            type="password"
            value={token.value}
            onInput={({ currentTarget }) => (token.value = currentTarget.value)}
            autocomplete="current-password"
            required
            autofocus
            aria-invalid={refused.value}
            aria-describedby="refused"
          />
        </label>
        <p id="refused" class="problem" role="alert">
          {refused.value && 'This is not the token.'}
        </p>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
