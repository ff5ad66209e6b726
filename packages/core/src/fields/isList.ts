/** Whether a value is a list. `Array.isArray` makes any list of a read-only one. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
