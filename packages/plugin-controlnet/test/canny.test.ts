import { describe, expect, test } from '@jest/globals';
import { Image } from '@thimble/core';
import { canny } from '../src/index.js';

/** Rows of digits, each a ninth of the way to white. */
function drawing(...rows: readonly string[]): Image {
  const [width, height] = [rows[0]!.length, rows.length];
  const levels = rows.flatMap((row) => Array.from(row, (digit) => Math.round((Number(digit) * 255) / 9)));
  return new Image({ width, height, channels: 1, data: Uint8Array.from(levels) });
}

/** Where its edges are. */
async function edgesOf(image: Image, options = {}): Promise<readonly string[]> {
  const { width, height, data } = await canny(image, options);
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (data[3 * (y * width + x)] === 255 ? '#' : '.')).join(''),
  );
}

describe('canny', () => {
  test('draws one line where a dark half meets a light one', async () => {
    const rows = Array.from({ length: 6 }, () => '000999');
    const edges = await edgesOf(drawing(...rows));
    for (const row of edges.slice(1, -1)) expect(row.replaceAll('.', '')).toBe('#');
    expect(await edgesOf(drawing('000000', '000000', '000000', '999999', '999999', '999999'))).toEqual(
      expect.arrayContaining(['.####.']),
    );
  });

  test('keeps a weak edge where it goes on as a strong one, and else does not', async () => {
    const weak = Array.from({ length: 8 }, () => '0001111');
    const options = { lowThreshold: 40, highThreshold: 400 };
    expect((await edgesOf(drawing(...weak), options)).join('')).not.toContain('#');
    const joined = [...Array.from({ length: 4 }, () => '0009999'), ...weak];
    const edges = await edgesOf(drawing(...joined), options);
    expect(edges.slice(6, -1).every((row) => row.includes('#'))).toBe(true);
  });

  test('sees colours by their brightness', async () => {
    const data = Uint8Array.from({ length: 3 * 64 }, (_, i) => (Math.floor(i / 3) % 8 < 4 ? 0 : [0, 255, 0][i % 3]!));
    const { channels, data: edges } = await canny(new Image({ width: 8, height: 8, data }));
    expect([channels, edges.includes(255)]).toEqual([3, true]);
  });

  test('refuses thresholds the wrong way round, and what is no picture', async () => {
    const image = drawing('000', '000', '000');
    await expect(canny(image, { lowThreshold: 300 })).rejects.toMatchObject({ details: { argument: 'lowThreshold' } });
    await expect(canny({} as Image)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
    await expect(canny(drawing('00', '00'))).rejects.toMatchObject({ details: { argument: 'image' } });
  });
});
