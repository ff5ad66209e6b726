import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Browser, BrowserContext } from 'playwright-core';
import sharp from 'sharp';
import type { ThimbleServer } from '../../src/index.js';
import { until } from '../support/tinyServer.js';
import { builtPage } from './support/builtPage.js';
import { describeInChromium, startChromium } from './support/chromium.js';
import { pace, pagedServer } from './support/pagedServer.js';
import { OpenPage } from './support/OpenPage.js';

const APPLE = { prompt: 'a red apple on a blue background', steps: '15', guidance: '1.5', seed: '7' };
const TOKEN = 'open sesame please';

describeInChromium('the page, in Chromium,', () => {
  let browser: Browser;
  let server: ThimbleServer;
  let url: string;
  let context: BrowserContext;
  let page: OpenPage;

  beforeAll(async () => {
    await builtPage();
    [browser, server] = await Promise.all([startChromium(), pagedServer('demo')]);
    url = await server.listen();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });
  beforeEach(async () => {
    pace.pause = 0;
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await OpenPage.open(context, url);
  });
  afterEach(async () => {
    await context.close();
    pace.pause = 0;
    await until(async () => (await server.service.queue.load()).running === 0);
  });
  const idle = async (): Promise<void> => until(async () => (await server.service.queue.load()).running === 0);

  test('makes a picture: shows how it comes, how long it takes, the memory, and how it was made', async () => {
    const { tab } = page;
    // On a busy machine the page is seconds behind.
    pace.pause = 1000;
    await page.fill({ ...APPLE, negativePrompt: 'a pear' });
    await tab.keyboard.press('Control+Enter');
    await tab.locator('.preview').waitFor();
    expect(await tab.locator('.preview').getAttribute('src')).toMatch(/^data:image\/png;base64,/);
    await tab.locator('.progress', { hasText: /Step \d+ of 15\d+ s left$/ }).waitFor();
    pace.pause = 0;
    await page.picture.waitFor();
    expect(await page.facts()).toMatchObject({
      Prompt: APPLE.prompt,
      'Negative prompt': 'a pear',
      Steps: '15',
      Seed: '7',
      Size: '128x128',
      'CFG scale': '1.5',
      Model: 'demo',
    });
    expect(await tab.locator('.memory').textContent()).toMatch(/^Memory \d+ MB\d+ speak \d+ MBlimit 600 MB$/);
    const { name, path } = await page.download();
    expect(name).toBe('a-red-apple-on-a-blue-background-7.png');
    const options = { numInferenceSteps: 15, guidanceScale: 1.5, seed: 7, negativePrompt: 'a pear' };
    const { images } = await pace.opened!.generate(APPLE.prompt, options);
    expect(await readFile(path)).toEqual(await images[0]!.toBuffer());
    // What the model takes where nothing is said is known by now.
    expect(await tab.locator('[name=width]').getAttribute('placeholder')).toBe('128');
    expect([page.complaints, page.foreign]).toEqual([[], []]);
  });

  test('ends a run, and one that waits', async () => {
    const { tab } = page;
    pace.pause = 200;
    await page.fill({ ...APPLE, steps: '100' });
    await page.generate();
    await tab.getByText(/^Step \d+ of 100$/).waitFor();
    await page.fill({ prompt: 'a pear' });
    await page.generate();
    await tab.getByText('Next: a pear').waitFor();
    await tab.getByRole('button', { name: 'Cancel: a pear' }).click();
    await tab.getByText('Next: a pear').waitFor({ state: 'detached' });
    expect(await page.status.textContent()).toMatch(/^Step \d+ of 100$/);
    await tab.getByRole('button', { name: 'Cancel', exact: true }).click();
    await tab.locator('.progress').waitFor({ state: 'detached' });
    await idle();
    expect([await page.thumbnails.count(), await tab.locator('.notice').count()]).toEqual([0, 0]);
  });

  test('makes anew what is painted over, and leaves the rest', async () => {
    const { tab } = page;
    await page.fill(APPLE);
    await page.generate();
    await page.picture.waitFor();
    const before = await readFile((await page.download()).path);
    await tab.getByRole('button', { name: 'Edit', exact: true }).click();
    const canvas = tab.locator('.mask-canvas canvas');
    const box = (await canvas.boundingBox())!;
    await tab.mouse.move(box.x + box.width * 0.2, box.y + 10);
    await tab.mouse.down();
    await tab.mouse.move(box.x + box.width * 0.2, box.y + box.height - 10, { steps: 8 });
    await tab.mouse.up();
    // By keys: a dot where the brush is, which is taken back.
    await canvas.focus();
    for (const key of ['ArrowRight', ' ', 'ArrowRight']) await tab.keyboard.press(key);
    await tab.getByRole('button', { name: 'Undo' }).click();
    await page.fill({ prompt: 'a red apple on a yellow background', seed: '9' });
    const sent = tab.waitForRequest((request) => request.method() === 'POST');
    await page.generate();
    const { mask } = (await sent).postDataJSON() as { readonly mask: string };
    const { data, info } = await sharp(Buffer.from(mask.split(',')[1]!, 'base64'))
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const levelAt = (x: number): number => data[(64 * info.width + x) * info.channels]!;
    expect([info.width, info.height, levelAt(25), levelAt(64), levelAt(120)]).toEqual([128, 128, 255, 0, 0]);
    await until(async () => (await page.thumbnails.count()) === 2);
    const after = await readFile((await page.download()).path);
    const [left, right] = await Promise.all([0, 96].map(async (x) => difference(before, after, x)));
    expect(left).toBeGreaterThan(4 * right!);
  });

  test('a reload in the middle loses nothing', async () => {
    const { tab } = page;
    pace.pause = 400;
    await page.fill(APPLE);
    await page.generate();
    await tab.getByText(/^Step \d+ of 15$/).waitFor();
    await tab.reload();
    await tab.getByText(/^Step \d+ of 15$/).waitFor();
    pace.pause = 0;
    expect(await tab.locator('[name=prompt]').inputValue()).toBe(APPLE.prompt);
    await page.picture.waitFor();
    expect((await page.facts())['Seed']).toBe('7');
    await tab.reload();
    await page.picture.waitFor();
    expect(await page.thumbnails.count()).toBe(1);
  });

  test('two tabs see the same run, and the same picture once', async () => {
    pace.pause = 400;
    const other = await OpenPage.open(context, url);
    await page.fill(APPLE);
    await page.generate();
    await other.tab.getByText(/^Step \d+ of 15$/).waitFor();
    pace.pause = 0;
    await Promise.all([page.picture.waitFor(), other.picture.waitFor()]);
    await page.tab.reload();
    await page.picture.waitFor();
    expect([await page.thumbnails.count(), await other.thumbnails.count()]).toEqual([1, 1]);
    await other.tab.getByRole('button', { name: 'Delete' }).click();
    await page.picture.waitFor({ state: 'detached' });
    expect([page.complaints, other.complaints]).toEqual([[], []]);
  });

  test('says so where the server is gone, and goes on once it is back', async () => {
    const { tab } = page;
    const first = await pagedServer('tiny');
    const address = await first.listen();
    const port = Number(new URL(address).port);
    await tab.goto(address);
    await page.fill(APPLE);
    await page.generate();
    await page.picture.waitFor();
    pace.pause = 200;
    await page.fill({ steps: '100' });
    await page.generate();
    await tab.getByText(/^Step \d+ of 100$/).waitFor();
    // As when it is killed: nobody is told.
    first.app.server.close();
    first.app.server.closeAllConnections();
    await first.close().catch(() => undefined);
    await tab.getByText('The server cannot be reached').waitFor();
    pace.pause = 0;
    await using second = await pagedServer('tiny', { port });
    await second.listen();
    await tab.getByText('it was restarted').waitFor();
    await tab.getByText('The server cannot be reached').waitFor({ state: 'detached' });
    await tab.locator('.progress').waitFor({ state: 'detached' });
    expect(await page.thumbnails.count()).toBe(1);
    await page.fill({ steps: '3' });
    await page.generate();
    await until(async () => (await page.thumbnails.count()) === 2);
  });

  test('asks once for the token of a server that has one', async () => {
    await using guarded = await pagedServer('tiny', { token: TOKEN });
    const { tab } = page;
    await tab.goto(await guarded.listen());
    await tab.getByLabel('Token').fill('something else');
    await tab.keyboard.press('Enter');
    await tab.getByText('This is not the token.').waitFor();
    await tab.getByLabel('Token').fill(TOKEN);
    await tab.keyboard.press('Enter');
    await page.fill({ ...APPLE, steps: '2' });
    await page.generate();
    await page.picture.waitFor();
    await tab.reload();
    await page.picture.waitFor();
    expect(await tab.evaluate<string>('JSON.stringify([document.cookie, { ...localStorage }])')).not.toContain(
      'sesame',
    );
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await tab.getByLabel('Token').waitFor();
  });

  test('says which field is wrong', async () => {
    await page.fill({ ...APPLE, scheduler: 'none such' });
    await page.generate();
    await page.tab.getByText(/none such/).waitFor();
    expect(await page.tab.locator('[name=scheduler]').getAttribute('aria-invalid')).toBe('true');
  });

  test('is used by keys, in light and dark, and on a phone', async () => {
    const { tab } = page;
    await page.fill({ ...APPLE, steps: '2', count: '3' });
    await page.generate();
    await page.picture.waitFor();
    await until(async () => (await page.thumbnails.count()) === 3);
    await tab.evaluate('document.activeElement.blur()');
    await tab.keyboard.press('/');
    expect(await tab.locator('#prompt:focus').count()).toBe(1);
    await page.thumbnails.first().focus();
    await tab.keyboard.press('ArrowRight');
    expect(await page.thumbnails.nth(1).getAttribute('aria-pressed')).toBe('true');
    expect((await page.facts())['Seed']).toBe('8');
    const ground = async (): Promise<string> => tab.evaluate('getComputedStyle(document.body).backgroundColor');
    await tab.emulateMedia({ colorScheme: 'light' });
    const light = await ground();
    await tab.emulateMedia({ colorScheme: 'dark' });
    const dark = await ground();
    expect(dark).not.toBe(light);
    await tab.getByRole('button', { name: 'Light or dark' }).click();
    expect(await ground()).toBe(light);
    for (const width of [320, 390, 768]) {
      await tab.setViewportSize({ width, height: 780 });
      expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width);
      expect(await tab.getByRole('button', { name: 'Generate' }).isVisible()).toBe(true);
    }
    expect(page.complaints).toEqual([]);
  });
});

/** How far two pictures differ in a column 32 pixels wide, in levels. */
async function difference(before: Buffer, after: Buffer, left: number): Promise<number> {
  const [a, b] = await Promise.all(
    [before, after].map(async (file) => sharp(file).extract({ left, top: 0, width: 32, height: 128 }).raw().toBuffer()),
  );
  return a!.reduce((sum, level, i) => sum + Math.abs(level - b![i]!), 0) / a!.length;
}
