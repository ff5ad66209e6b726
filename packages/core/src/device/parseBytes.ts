import { ThimbleError } from '../errors.js';

const UNITS: Readonly<Record<string, number>> = { '': 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 };

/**
 * Reads a size: bytes, or a text such as '250MB' (MB = 2^20 bytes). `argument` names it in errors, `orElse` says what else would have been right.
 *
 * @throws ERR_ARGUMENT_INVALID unless it is above 0
 */
export function parseBytes(size: number | string, argument: string, orElse = ''): number {
  const bytes = typeof size === 'number' ? size : parseText(size);
  if (Number.isFinite(bytes) && bytes > 0) return bytes;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument,
    value: size,
    expected: `a number of bytes, a text such as '192MB' or '1.5GB'${orElse}`,
  });
}

function parseText(text: string): number {
  const [, digits, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([KMG]B)?\s*$/i.exec(String(text)) ?? [];
  return Math.floor(Number(digits ?? NaN) * (UNITS[unit.toUpperCase()] ?? NaN));
}
