/** What a progress line shows. */
export interface ProgressLine {
  readonly label: string;
  /** From 0 to 1; without it there is no bar. */
  readonly share?: number;
  /** After the bar, the most important first; those that do not fit are left out. */
  readonly fields: readonly string[];
}

const BAR_WIDTH = { least: 6, most: 30 } as const;

/** Lays out a progress line for a terminal `width` characters wide. */
export function progressLine({ label, share, fields }: ProgressLine, width: number): string {
  // The last column stays free: some terminals go to the next line when it is filled.
  const room = width - 1;
  const least = share === undefined ? 0 : BAR_WIDTH.least + 1;
  const kept = [...fields];
  while (kept.length > 0 && label.length + least + joined(kept).length > room) kept.pop();
  const rest = room - label.length - joined(kept).length - 1;
  const bar = share === undefined || rest < 1 ? '' : ` ${drawBar(share, Math.min(BAR_WIDTH.most, rest))}`;
  return `${label}${bar}${joined(kept)}`.slice(0, room);
}

function joined(fields: readonly string[]): string {
  return fields.map((field) => `  ${field}`).join('');
}

function drawBar(share: number, width: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** A text from outside as one line that a terminal can show: without control characters, at most `width` long. */
export function oneLine(text: string, width = Infinity): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
