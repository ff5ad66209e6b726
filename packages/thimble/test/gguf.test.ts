import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { inspectModel } from '../src/inspect/inspectModel.js';

test('a GGUF file is inspected by its own types', async () => {
  const config = fileURLToPath(new URL('../../core/test/fixtures/gguf/z-image', import.meta.url));
  const report = await inspectModel(`${config}/z-image-tiny-mixed.gguf`, { config });
  expect(report.className).toBe('ZImageTransformer2DModel');
  expect(report.components[0]!.dtypes).toMatchObject({ Q4_K: 41_472, Q8_0: 166_464, F32: 113_536 });
});
