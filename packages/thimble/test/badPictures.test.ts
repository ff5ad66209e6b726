import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { Image } from '@thimble/core';
import { MODEL } from './support/CliRun.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const SDXL = join(MODEL, '../sdxl-tiny');
const folder = temporaryFolder();
/** With a UNet of 9 channels. */
const FILLS_IN = 'fills-in';

beforeAll(async () => {
  const image = new Image({ width: 32, height: 24, data: Uint8Array.from({ length: 3 * 768 }, (_, i) => i % 251) });
  const png = await image.toBuffer();
  const sized = (side: number): Buffer => {
    const bytes = Buffer.from(png);
    for (const at of [16, 20]) bytes.writeUInt32BE(side, at);
    return bytes;
  };
  const files: Readonly<Record<string, Uint8Array | string>> = {
    'good.png': png,
    'cut.png': png.subarray(0, png.length - 40),
    'empty.png': '',
    'text.png': 'no picture',
    'none.png': sized(0),
    'huge.png': sized(30_000),
    'drawing.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"/>',
    'small.png': await new Image({ width: 4, height: 4, data: new Uint8Array(48) }).toBuffer(),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  cpSync(MODEL, join(folder, FILLS_IN), { recursive: true });
  cpSync(join(MODEL, '../inpaint-more/unet'), join(folder, FILLS_IN, 'unet'), { recursive: true });
});

type Row = readonly [what: string, args: readonly string[], code: number, says: RegExp];

/** What is told, and what to do about it. */
const ROWS: readonly Row[] = [
  ['a picture that is not there', ['--image', 'nowhere.png'], 1, /nowhere\.png.*ERR_FILE_NOT_FOUND/s],
  ['a folder', ['--image', '.'], 1, /ERR_FILE_ACCESS/],
  ['a picture that is cut off', ['--image', 'cut.png'], 1, /cut\.png.*ERR_IMAGE_DECODE/s],
  ['an empty file', ['--image', 'empty.png'], 1, /ERR_IMAGE_DECODE/],
  ['a text', ['--image', 'text.png'], 1, /ERR_IMAGE_DECODE/],
  ['a picture of 0×0', ['--image', 'none.png'], 1, /ERR_IMAGE_DECODE/],
  ['a picture of 30000×30000', ['--image', 'huge.png'], 1, /30000.*ERR_IMAGE_SIZE/s],
  ['another format', ['--image', 'drawing.svg'], 1, /it is svg.*ERR_IMAGE_DECODE/s],
  ['a picture smaller than a latent', ['--image', 'small.png'], 2, /4x4.*8x8 pixels or more/s],
  ['a mask that is cut off', ['--image', 'good.png', '--mask', 'cut.png'], 1, /ERR_IMAGE_DECODE/],
  ['a mask without a picture', ['--mask', 'good.png'], 2, /a picture beside it/],
  ['strength without a picture', ['--strength', '0.5'], 2, /a picture beside it/],
  ['strength 0', ['--image', 'good.png', '--strength', '0'], 2, /above 0, to 1/],
  ['strength above 1', ['--image', 'good.png', '--strength', '1.01'], 2, /above 0, to 1/],
  ['strength that is no number', ['--image', 'good.png', '--strength', 'much'], 2, /above 0, to 1/],
  ['strength that leaves no step', ['--image', 'good.png', '--strength', '0.3'], 2, /strength.*0\.3/s],
  ['padding without a mask', ['--image', 'good.png', '--mask-padding', '8'], 2, /a mask beside it/],
  ['a size of no whole latents', ['--image', 'good.png', '--size', '33x24'], 2, /multiple of 8/],
  ['a UNet of 9 channels without a mask', ['-m', FILLS_IN, '--image', 'good.png'], 2, /a mask.*9 channels/s],
  [
    'an end before the start',
    ['-m', SDXL, '--image', 'good.png', '--option', 'denoisingStart=0.8', '--option', 'denoisingEnd=0.5'],
    2,
    /denoisingEnd.*more than denoisingStart/s,
  ],
];

test.each(ROWS)('%s is refused, and leaves nothing', async (_, args, code, says) => {
  const before = readdirSync(folder).sort();
  const given = ['generate', 'x', ...(args.includes('-m') ? [] : ['-m', MODEL]), '--steps', '2', ...args];
  const result = await runMain([...given, '-o', 'made.png'], { cwd: folder });
  expect([result.code, result.stdout, result.stderr]).toEqual([code, '', expect.stringMatching(says)]);
  expect(readdirSync(folder).sort()).toEqual(before);
});

test('a picture that there is makes one', async () => {
  copyFileSync(join(folder, 'good.png'), join(folder, 'copy.png'));
  const args = ['generate', 'x', '-m', MODEL, '--steps', '2', '--image', 'copy.png', '-o', 'made.png'];
  expect(await runMain(args, { cwd: folder })).toMatchObject({ code: 0, stdout: 'made.png\n' });
  expect(readFileSync(join(folder, 'made.png')).length).toBeGreaterThan(100);
});
