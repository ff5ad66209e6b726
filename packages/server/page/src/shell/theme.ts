import { effect } from '@preact/signals';
import { stored } from './stored.js';

/** Light or dark; '' is as the system has it. */
export type Theme = '' | 'light' | 'dark';

/** The one that is chosen, in all tabs. */
export const theme = stored<Theme>(
  'theme',
  '',
  (value): value is Theme => value === '' || value === 'light' || value === 'dark',
);

/** Shows the page in the theme that is chosen, from now on. */
export function followTheme(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
  });
}

/** Chooses the other one than that which is seen. */
export function switchTheme(): void {
  const dark = theme.value === '' ? matchMedia('(prefers-color-scheme: dark)').matches : theme.value === 'dark';
  theme.value = dark ? 'light' : 'dark';
}
