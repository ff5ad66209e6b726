import { describe, expect, test } from '@jest/globals';
import { splitTokens } from '../src/TokenSplit.js';

describe.each([
  [4, 6, 2, 2],
  [5, 7, 2, 2],
  [6, 6, 3, 2],
])('%d × %d tokens in cells of %d × %d', (height, width, sx, sy) => {
  const { destinations, sources } = splitTokens({ height, width, downsample: 1 }, sx, sy, 'seed');

  test('each is a destination or a source', () => {
    const all = [...destinations, ...sources].sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: height * width }, (_, i) => i));
    expect(destinations).toEqual(destinations.toSorted((a, b) => a - b));
  });

  test('each whole cell has one destination', () => {
    const cells = destinations.map((token) => {
      const [row, column] = [Math.floor(token / width), token % width];
      return `${Math.floor(row / sy)} ${Math.floor(column / sx)}`;
    });
    expect(new Set(cells).size).toBe(Math.floor(height / sy) * Math.floor(width / sx));
    expect(destinations).toHaveLength(new Set(cells).size);
  });
});

test('looks drawn, and is the same for the same seed', () => {
  const grid = { height: 16, width: 16, downsample: 1 };
  const first = splitTokens(grid, 2, 2, 'a');
  expect(splitTokens(grid, 2, 2, 'a')).toEqual(first);
  expect(splitTokens(grid, 2, 2, 'b')).not.toEqual(first);
  const corners = first.destinations.map((token) => 2 * (Math.floor(token / 16) % 2) + (token % 2));
  for (const corner of [0, 1, 2, 3]) expect(corners.filter((each) => each === corner).length).toBeGreaterThan(4);
});
