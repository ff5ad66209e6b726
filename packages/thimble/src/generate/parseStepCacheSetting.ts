import { InvalidArgumentError } from 'commander';

/** What `--step-cache` says; nothing where it is given alone. */
export interface StepCacheSetting {
  readonly interval?: number;
  readonly threshold?: number;
}

/** Reads a whole number from 1 as an interval, a number between 0 and 1 as a threshold, and `auto`, which stands for the flag alone, as the plugin's defaults. */
export function parseStepCacheSetting(text: string): StepCacheSetting {
  if (text === 'auto') return {};
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return { interval: value };
  if (value > 0 && value < 1) return { threshold: value };
  throw new InvalidArgumentError(
    'Expected every how many steps everything is computed, such as 3, or a threshold between 0 and 1, such as 0.1.',
  );
}
