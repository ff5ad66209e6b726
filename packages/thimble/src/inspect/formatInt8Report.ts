import { formatTable } from './formatTable.js';
import type { Int8Report } from './inspectInt8.js';

/** For people: the parts of each component, the most sensitive first. */
export function formatInt8Report(reports: readonly Int8Report[]): string {
  return reports
    .map(({ component, parts }) =>
      formatTable(
        [
          [`${component} IN INT8, PART BY PART`, 'SIGNAL TO ERROR'],
          ...parts.map(({ name, decibels }) => [
            name,
            Number.isFinite(decibels) ? `${decibels.toFixed(1)} dB` : 'none',
          ]),
        ],
        [1],
      ),
    )
    .join('\n\n');
}
