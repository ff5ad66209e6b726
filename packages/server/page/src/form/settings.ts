import { stored } from '../shell/stored.js';

/** What is written into the form. Numbers are texts, and '' stands for the model's own. */
export interface Settings {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly model: string;
  readonly width: string;
  readonly height: string;
  readonly steps: string;
  readonly guidance: string;
  readonly seed: string;
  readonly count: string;
  readonly scheduler: string;
  readonly strength: string;
}

const EMPTY: Settings = {
  prompt: '',
  negativePrompt: '',
  model: '',
  width: '',
  height: '',
  steps: '',
  guidance: '',
  seed: '',
  count: '1',
  scheduler: '',
  strength: '',
};

/** What is written now. Tabs have their own, and a new one begins with what was written last. */
export const settings = stored<Settings>('settings', EMPTY, isSettings, { shared: false });

/** Writes some of it. */
export function change(some: Partial<Settings>): void {
  settings.value = { ...settings.value, ...some };
}

function isSettings(value: unknown): value is Settings {
  if (typeof value !== 'object' || value === null) return false;
  const given = value as Readonly<Record<string, unknown>>;
  return Object.keys(EMPTY).every((name) => typeof given[name] === 'string');
}
