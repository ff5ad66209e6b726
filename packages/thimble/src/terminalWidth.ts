import { Help } from 'commander';

/** Columns where nobody says how many there are, as in a pipe. */
const USUAL_WIDTH = 80;

/** How many columns there are for a table on the standard output. */
export function terminalWidth(): number {
  return process.stdout.columns || USUAL_WIDTH;
}

/** A text with its lines broken at spaces, so that none is longer than `width`; a longer word, such as a path, stays whole. */
export function wrapText(text: string, width: number): string {
  const help = new Help();
  help.minWidthToWrap = 1;
  return help.boxWrap(text, width);
}

/** A text for people as their terminal can show it; unchanged for files and pipes, where programs look for lines. */
export function fitText(text: string, { isTTY, columns }: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>): string {
  return isTTY && columns > 0 ? wrapText(text, columns) : text;
}
