import type { Parameters } from '../gallery/parseParameters.js';
import type { Settings } from './settings.js';

/** Names of the settings in a picture's file, and in the form. */
const NAMES = { Steps: 'steps', 'CFG scale': 'guidance', Seed: 'seed' } as const;

/** The form's settings by which a picture was made. What its file does not tell is the model's own. */
export function settingsOf({ prompt, negativePrompt, settings }: Parameters): Partial<Settings> {
  const [, width = '', height = ''] = /^(\d+)x(\d+)$/.exec(settings.get('Size') ?? '') ?? [];
  const plain = Object.entries(NAMES).map(([name, field]) => [field, numberIn(settings.get(name))] as const);
  const spacing = settings.get('Schedule type') ?? '';
  const scheduler = [settings.get('Sampler') ?? '', spacing === 'Automatic' ? '' : spacing].join(' ').trim();
  return { prompt, negativePrompt, width, height, scheduler, count: '1', ...Object.fromEntries(plain) };
}

function numberIn(text = ''): string {
  return /^-?\d+(\.\d+)?$/.test(text) ? text : '';
}
