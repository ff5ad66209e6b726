import { join } from 'node:path';
import { Image } from '@thimble/core';
import { ControlNetPlugin } from '@thimble/plugin-controlnet';
import { IPAdapterPlugin } from '@thimble/plugin-ip-adapter';
import { TextualInversionPlugin } from '@thimble/plugin-textual-inversion';
import type { PluginKind } from './PluginKind.js';

// By URL: tests of packages share no modules.
const testOf = (path: string): string => new URL(`../../../${path}`, import.meta.url).href;
export const { writeRandomControlNet } = (await import(
  testOf('plugin-controlnet/test/support/randomControlNet.ts')
)) as { writeRandomControlNet: (folder: string, checkpoint: string) => Promise<string> };
export const { writeInversion } = (await import(testOf('plugin-textual-inversion/test/writeInversion.ts'))) as {
  writeInversion: (
    folder: string,
    name: string,
    shapes: Readonly<Record<string, readonly number[]>>,
  ) => Promise<string>;
};

export const { writeTestAdapter } = (await import(testOf('plugin-ip-adapter/test/writeTestAdapter.mjs'))) as {
  writeTestAdapter: (folder: string) => Promise<string>;
};

/** What a ControlNet looks at in tests: stripes. */
export function stripes(width: number, height: number): Image {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (Math.floor(i / 21) % 2) * 255);
  return new Image({ width, height, data });
}

/**
 * The plugins that bring models or words of their own, made for a checkpoint with texts of `width` numbers a token, in `folder`. The ControlNet and the IP-Adapter, which is one for the test
 * kit's checkpoint, count for little, so that pictures with them can be held against those without.
 */
export async function adapterKinds(
  folder: string,
  checkpoint: string,
  width: number,
): Promise<Readonly<Record<string, PluginKind>>> {
  const model = await writeRandomControlNet(join(folder, 'controlnet'), checkpoint);
  const file = await writeInversion(folder, '<toy>', { '<toy>': [2, width] });
  const adapter = await writeTestAdapter(join(folder, 'ip-adapter'));
  return {
    controlnet: {
      create: () => new ControlNetPlugin({ model, image: stripes(64, 64), conditioningScale: 1e-4 }),
      tolerance: 2e-3,
    },
    'ip adapter': {
      create: () => new IPAdapterPlugin({ model: adapter, image: stripes(32, 24), scale: 1e-4 }),
      tolerance: 2e-3,
    },
    'textual inversion': { create: () => new TextualInversionPlugin({ file }), tolerance: 0 },
  };
}
