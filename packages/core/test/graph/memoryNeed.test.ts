import { describe, expect, test } from '@jest/globals';
import { ZImageTransformer2DModel } from '@thimble/core';
import type { ModelEntry } from '@thimble/core/model';
import { EntryTrace } from '@thimble/core/plugin';
import { zImageFamilies } from '../../src/weights/families/zImage.js';

const MB = 2 ** 20;
/** Z-Image's own sizes; of its layers, which are alike, one. */
const CONFIG = { ...zImageFamilies[0]!.parts['transformer']!.config, n_layers: 1, n_refiner_layers: 1 };

/** Bytes that a pass of a picture of so many pixels a side holds, where a layer may take `transientBytes`; and those of its tokens. */
function needed(side: number, transientBytes: number): { readonly bytes: number; readonly tokens: number } {
  const model = ZImageTransformer2DModel.fromConfig(CONFIG);
  const trace = new EntryTrace(model, model.entries['call'] as ModelEntry, {
    x: { dims: [1, 16, 1, side / 8, side / 8], type: 'float32' },
    t: { dims: [1], type: 'float32' },
    'cap_feats.0': { dims: [32, 2560], type: 'float32' },
  });
  return { bytes: trace.valueBytes({ transientBytes }), tokens: ((side / 16) ** 2 + 32) * 3840 * 4 };
}

describe('what a pass of a large transformer holds', () => {
  test.each([
    [1024, 32 * MB],
    [1024, 16 * MB],
    [2048, 32 * MB],
  ])(
    'at %d pixels: its tokens, as they come and normed, and outputs, in pieces and joined: queries, keys and values are made for some heads at a time',
    (side, transient) => {
      const { bytes, tokens } = needed(side, transient);
      expect(bytes).toBeGreaterThan(4 * tokens + transient);
      expect(bytes).toBeLessThan(4.3 * tokens + 4 * transient);
    },
  );

  test('of few tokens also copies of all heads at once', () => {
    const { bytes, tokens } = needed(256, 32 * MB);
    expect(bytes).toBeGreaterThan(8 * tokens);
  });
});
