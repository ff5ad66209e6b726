import { signal, type Signal } from '@preact/signals';

/** How a value is kept. */
export interface StoredOptions {
  /** Whether a change in one tab is one in all; else tabs that are opened later begin with it. */
  readonly shared: boolean;
}

/** A value that stays in the browser. Where that keeps nothing, it lasts as long as the page. */
export function stored<T>(
  key: string,
  initial: T,
  isValid: (value: unknown) => value is T,
  { shared }: StoredOptions = { shared: true },
): Signal<T> {
  const name = `thimble.${key}`;
  const value = signal(read(name, isValid) ?? initial);
  value.subscribe((now) => {
    try {
      const text = JSON.stringify(now);
      if (localStorage.getItem(name) !== text) localStorage.setItem(name, text);
    } catch {
      // The browser keeps nothing, or has no room.
    }
  });
  if (shared)
    addEventListener('storage', (event) => {
      if (event.key === name) value.value = read(name, isValid) ?? initial;
    });
  return value;
}

function read<T>(name: string, isValid: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(name) ?? 'null');
    return isValid(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
