/** A value as messages show it, in at most 120 characters. */
export function describeValue(value: unknown): string {
  if (typeof value === 'function') return `a function (${value.name || 'anonymous'})`;
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value, withBigints) ?? String(value));
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Bytes in whole megabytes (2^20 bytes), as messages show them. */
export function megabytes(bytes: number): string {
  const whole = Math.ceil(bytes / 2 ** 20);
  return Number.isNaN(whole) ? String(bytes) : `${whole} MB`;
}

function withBigints(_: string, part: unknown): unknown {
  return typeof part === 'bigint' ? `${part}n` : part;
}
