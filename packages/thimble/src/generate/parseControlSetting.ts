import { InvalidArgumentError } from 'commander';

/** A ControlNet, as `--control` names it. */
export interface ControlSetting {
  readonly model: string;
  readonly image?: string;
  readonly conditioningScale?: number;
  readonly controlGuidanceStart?: number;
  readonly controlGuidanceEnd?: number;
  readonly guessMode?: boolean;
  readonly preprocessor?: string;
}

/** What each key of the text is among the plugin's options, and how it is read. */
const KEYS = {
  model: ['model', String],
  image: ['image', String],
  scale: ['conditioningScale', readNumber],
  start: ['controlGuidanceStart', readNumber],
  end: ['controlGuidanceEnd', readNumber],
  guess: ['guessMode', (text: string) => text === 'true'],
  preprocess: ['preprocessor', String],
} as const;

/** A comma stands between two settings where what looks like a key follows; others belong to paths. */
const BETWEEN = /,(?=[a-z]+=)/;

/** Reads `model=PATH,image=FILE,scale=0.8`. */
export function parseControlSetting(text: string): ControlSetting {
  const entries = text.split(BETWEEN).map((part): readonly [string, unknown] => {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(0, at));
    if (!Object.hasOwn(KEYS, key) || at === part.length - 1) return refuse(part);
    const [name, read] = KEYS[key as keyof typeof KEYS];
    const value = read(part.slice(at + 1));
    return Number.isNaN(value) ? refuse(part) : [name, value];
  });
  const setting = Object.fromEntries(entries) as Partial<ControlSetting>;
  return setting.model === undefined ? refuse(text) : { ...setting, model: setting.model };
}

function readNumber(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

function refuse(text: string): never {
  throw new InvalidArgumentError(
    `Expected model=PATH,image=FILE, and if need be ${Object.keys(KEYS).slice(2).join('=…, ')}=…; not "${text}".`,
  );
}
