import { inspect } from 'node:util';

/** A value as messages show it, in at most 120 characters. */
export function describeValue(value: unknown): string {
  if (typeof value === 'function') return `a function (${value.name || 'anonymous'})`;
  const text = textOf(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Bytes in whole megabytes (2^20 bytes), as messages show them. */
export function megabytes(bytes: number): string {
  const whole = Math.ceil(bytes / 2 ** 20);
  return Number.isNaN(whole) ? String(bytes) : `${whole} MB`;
}

/** As JSON, and where it holds itself, or a getter of it throws, as Node shows it. */
function textOf(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  try {
    return JSON.stringify(value, withBigints) ?? String(value);
  } catch {
    return inspect(value, { depth: 1, breakLength: Infinity });
  }
}

function withBigints(_: string, part: unknown): unknown {
  return typeof part === 'bigint' ? `${part}n` : part;
}
