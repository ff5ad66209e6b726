import { InvalidArgumentError } from 'commander';

/** Milliseconds of each unit. */
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The milliseconds of a text such as `90s`, `10m` or `1h`; a number alone is seconds. */
export function parseDuration(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)([smhd])?$/.exec(text.trim()) ?? [];
  const milliseconds = Math.round(Number(number) * (UNITS[unit] as number));
  if (milliseconds >= 1 && milliseconds < 2 ** 31) return milliseconds;
  throw new InvalidArgumentError('Expected a time such as 90s, 10m or 1h, up to 24d.');
}
