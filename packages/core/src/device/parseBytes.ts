import { ThimbleError } from '../errors.js';
import { refuseOption } from '../fields/refuseOption.js';

const PREFIXES = ['', 'K', 'M', 'G', 'T'] as const;

/**
 * Reads a size: bytes, or a text such as '250MB'. `K`, `M`, `G` and `T` stand for powers of 2^10, alone or before `B`, `i` or `iB`, in any case: '512m',
 * '512MiB' and '0.5g' are the same. `argument` names it in errors, `orElse` says what else would have been right.
 *
 * @throws ERR_ARGUMENT_INVALID unless it is above 0
 */
export function parseBytes(size: number | string, argument: string, orElse = ''): number {
  if (typeof argument !== 'string' || typeof orElse !== 'string')
    refuseOption('argument', argument, 'the name of an argument');
  const bytes = typeof size === 'number' ? size : parseText(size);
  if (Number.isFinite(bytes) && bytes > 0) return bytes;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument,
    value: size,
    expected: `a number of bytes, a text such as '192MB', '512Mi' or '1.5g'${orElse}`,
  });
}

function parseText(text: unknown): number {
  const [, digits = NaN, prefix = ''] =
    /^\s*(\d+(?:\.\d+)?)\s*(?:([KMGT]i?)?B?)\s*$/i.exec(typeof text === 'string' ? text : '') ?? [];
  const power = PREFIXES.indexOf(prefix.charAt(0).toUpperCase() as (typeof PREFIXES)[number]);
  return Math.floor(Number(digits) * 1024 ** power);
}
