/** A text from outside as one line that a terminal can show: without control characters, at most `width` long. */
export function oneLine(text: string, width = Infinity): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}
