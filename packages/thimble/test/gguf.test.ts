import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { inspectModel } from '../src/inspect/inspectModel.js';

const fixture = (name: string): string => fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));

test.each([
  ['z-image', 'ZImageTransformer2DModel', { Q4_K: 41_472, Q8_0: 166_464, F32: 113_536 }],
  ['flux', 'FluxTransformer2DModel', { Q4_K: 9216, Q8_0: 82_688 }],
])('a GGUF file of %s is inspected by its own types', async (name, className, dtypes) => {
  const config = fixture(`gguf/${name}`);
  const report = await inspectModel(`${config}/${name}-tiny-mixed.gguf`, { config });
  expect(report.className).toBe(className);
  expect(report.components[0]!.dtypes).toMatchObject(dtypes);
});

test('a pipeline of FLUX.1 is inspected with all of its parts', async () => {
  const { className, scheduler, defaults, components } = await inspectModel(fixture('flux-tiny'), {});
  expect([className, scheduler]).toEqual(['FluxPipeline', 'FlowMatchEulerDiscreteScheduler']);
  expect(defaults).toEqual({ width: 1024, height: 1024, numInferenceSteps: 28, guidanceScale: 3.5 });
  const [transformer] = components.filter(({ name }) => name === 'transformer');
  expect(transformer).toMatchObject({ supported: true });
  // An embedding of conditions, one of either kind of tokens, positions, 2 blocks of two streams, the join, 3 of one, and the last norm.
  expect(transformer!.segments).toHaveLength(4 + 2 + 1 + 3 + 1);
});

test('of a GGUF file it is told which way its linear layers can take', async () => {
  const config = fixture('gguf/z-image');
  const report = await inspectModel(`${config}/z-image-tiny-mixed.gguf`, { config });
  const both = { computeTypes: ['dequantize', 'matmul_nbits'] };
  expect(report.components[0]!.linears).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ dtype: 'Q8_0', ...both, exact: true }),
      expect.objectContaining({ dtype: 'Q4_K', ...both, exact: false }),
      expect.objectContaining({ dtype: 'Q6_K', computeTypes: ['dequantize'] }),
    ]),
  );
});
