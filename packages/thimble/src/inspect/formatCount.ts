const UNITS = ['', ' k', ' M', ' G'] as const;

/** A count for people: `859.5 M`. */
export function formatCount(count: number): string {
  let unit = 0;
  let value = count;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)}${UNITS[unit]}`;
}
