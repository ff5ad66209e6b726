import { terminalWidth, wrapText } from '../terminalWidth.js';

/** A column of a {@link formatTable}. */
export interface Column {
  readonly title: string;
  /** Aligned on the right. Default: on the left. */
  readonly right?: boolean;
  /** Its cells are broken at spaces where the table would be too wide. One column has this. */
  readonly wraps?: boolean;
  /** Left out where the table would be too wide. */
  readonly spare?: boolean;
}

interface FilledColumn extends Column {
  readonly cells: readonly string[];
}

const GAP = '  ';

/** Rows as columns of text, two spaces apart, within `width` where that can be. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number = terminalWidth(),
): string {
  const filled = columns.map((column, at) => ({
    ...column,
    cells: [column.title, ...rows.map((row) => row[at] ?? '')],
  }));
  const shown = widthOf(filled) <= width ? filled : filled.filter(({ spare }) => spare !== true);
  const others = shown.filter(({ wraps }) => wraps !== true);
  const room = Math.max(1, width - widthOf(others) - GAP.length);
  const broken = shown.map((column) => ({
    ...column,
    cells: column.cells.map((cell) => (column.wraps === true ? wrapText(cell, room) : cell).split('\n')),
  }));
  const widths = broken.map(({ cells }) => Math.max(...cells.flat().map(({ length }) => length)));
  return [undefined, ...rows]
    .flatMap((_, row) => {
      const lines = Math.max(...broken.map(({ cells }) => cells[row]!.length));
      return Array.from({ length: lines }, (_line, line) =>
        broken
          .map(({ cells, right }, at) => pad(cells[row]![line] ?? '', widths[at]!, right))
          .join(GAP)
          .trimEnd(),
      );
    })
    .join('\n');
}

function pad(text: string, width: number, right = false): string {
  return right ? text.padStart(width) : text.padEnd(width);
}

function widthOf(columns: readonly FilledColumn[]): number {
  const widths = columns.map(({ cells }) => Math.max(...cells.map(({ length }) => length)));
  return widths.reduce((sum, each) => sum + each + GAP.length, -GAP.length);
}
