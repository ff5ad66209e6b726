import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from '@jest/globals';
import type { Browser } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Chromium, or a browser that is made of it; undefined where there is none. */
export const chromiumPath =
  process.env['CHROMIUM_PATH'] ??
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(existsSync);

/** Tests in Chromium. They are skipped, and counted, where there is none. */
export const describeInChromium: (name: string, tests: () => void) => void =
  chromiumPath === undefined ? describe.skip : describe;

/** Starts it, without a window. */
export async function startChromium(): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: chromiumPath as string });
}
