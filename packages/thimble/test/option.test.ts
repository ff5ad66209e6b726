import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { jsonLines, MODEL, runCli } from './support/CliRun.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { writePackage } from './support/writePackage.js';

const CORE = fileURLToPath(new URL('../../core', import.meta.url));
const FAST = ['x', '--model', MODEL, '--size', '64x64', '--steps', '1', '--guidance', '1', '--seed', '1', '--json'];

/** An outsider's plugin: what it tells shows what hooks were given. */
const PLUGIN = `
import { integerField, nullable } from '@thimble/core/model';
import { OPTIONS } from '@thimble/core/plugin';
export class Strict {
  name = 'me:strict';
  apply({ provide, hooks, pipeline }) {
    provide(OPTIONS, { strictness: integerField(3, 0, 9), ceiling: nullable(integerField(1)) });
    hooks.beforeRun.tap('me:strict', ({ options }) => pipeline.warn('WARN_STRICT', JSON.stringify([options.strictness, options.ceiling, options.guidanceRescale])));
  }
}`;

describe('--option', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules', '@thimble'), { recursive: true });
  symlinkSync(CORE, join(folder, 'node_modules', '@thimble', 'core'));
  writePackage(folder, '@me/strict', PLUGIN);
  const USE = ['--use', '@me/strict'];

  test.each([
    [[], [3, null, 0]],
    [
      ['--option', 'strictness=7', '--option', 'ceiling=2', '--option', 'guidanceRescale=0.5'],
      [7, 2, 0.5],
    ],
  ])("sets a plugin's options and the pipeline's: %j", async (args, seen) => {
    const { code, stdout } = await runCli(['generate', ...FAST, ...USE, ...args], folder);
    expect(code).toBe(0);
    const told = jsonLines(stdout).filter((event) => event['code'] === 'WARN_STRICT');
    expect(told.map(({ message }) => JSON.parse(String(message)) as unknown)).toEqual([seen]);
  });

  test.each([
    ['strictness=10', /--option strictness=10: expected an integer from 0 to 9/],
    ['strictness=', /expected an integer from 0 to 9/],
    ['strict=1', /there is no such option; only guidanceRescale, strictness, ceiling\.$/],
    ['width=64', /--option width=64: use --size <WxH>/],
    ['outputType=latent', /use --output <path>, with its extension or --format/],
    ['previews=rgb', /use --preview \[folder\]/],
    ['numInferenceSteps=3', /use --steps <number>/],
    ['numImagesPerPrompt=2', /use -n, --count <number>/],
    ['latents=1', /there is no such option/],
    ['strictness', /Expected NAME=VALUE/],
  ])('refuses %s', async (setting, message) => {
    const { code, stdout } = await runMain(['generate', ...FAST, ...USE, '--option', setting], { cwd: folder });
    expect(code).toBe(2);
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      type: 'error',
      code: 'ERR_USAGE',
      message: expect.stringMatching(message),
    });
  });
});
