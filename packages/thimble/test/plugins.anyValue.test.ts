import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as attention from '@thimble/plugin-attention';
import * as channelsLast from '@thimble/plugin-channels-last';
import * as controlnet from '@thimble/plugin-controlnet';
import * as fp8 from '@thimble/plugin-fp8';
import * as int8 from '@thimble/plugin-int8';
import * as lora from '@thimble/plugin-lora';
import * as ipAdapter from '@thimble/plugin-ip-adapter';
import * as offload from '@thimble/plugin-offload';
import * as prompt from '@thimble/plugin-prompt';
import * as stepCache from '@thimble/plugin-step-cache';
import * as testkit from '@thimble/plugin-testkit';
import * as textualInversion from '@thimble/plugin-textual-inversion';
import * as tokenMerging from '@thimble/plugin-token-merging';
import * as tracing from '@thimble/plugin-tracing';
import * as vaeSlicing from '@thimble/plugin-vae-slicing';
import * as vaeTiling from '@thimble/plugin-vae-tiling';
import { temporaryFolder } from './support/temporaryFolder.js';

interface Calls {
  readonly count: number;
  readonly uncoded: readonly string[];
  callExport(name: string, value: unknown): Promise<void>;
}

// By URL: tests of packages share no modules.
const { CallsWithAnyValue } = (await import(
  new URL('../../core/test/support/CallsWithAnyValue.ts', import.meta.url).href
)) as { CallsWithAnyValue: new (seed: number, excluded: ReadonlySet<string>) => Calls };

/** Not called: what only a factory makes; a class of errors; and what declares tests, or runs for a minute. */
const EXCLUDED: ReadonlySet<string> = new Set([
  'new TracedModel',
  'TraceError',
  'ControlNetError',
  'IPAdapterError',
  'LoraError',
  'PromptError',
  'TextualInversionError',
  'runPluginConformance',
  'checkPluginConformance',
]);
const PACKAGES = {
  attention,
  channelsLast,
  controlnet,
  fp8,
  int8,
  ipAdapter,
  lora,
  offload,
  prompt,
  stepCache,
  testkit,
  textualInversion,
  tokenMerging,
  tracing,
  vaeSlicing,
  vaeTiling,
};

const folder = temporaryFolder();
const home = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => process.chdir(home));

test.each(Object.entries(PACKAGES))('no value makes an export of %s throw what has no code', async (_, exports) => {
  const calls = new CallsWithAnyValue(19, EXCLUDED);
  for (const [name, value] of Object.entries(exports)) await calls.callExport(name, value);
  expect(calls.count).toBeGreaterThan(60);
  expect(calls.uncoded).toEqual([]);
});
