import type { Fields } from './Field.js';

/** A table of fields without some of them. */
export function omitFields<F extends Fields, K extends keyof F>(fields: F, names: readonly K[]): Omit<F, K> {
  const left = Object.entries(fields).filter(([name]) => !(names as readonly unknown[]).includes(name));
  return Object.fromEntries(left) as unknown as Omit<F, K>;
}
