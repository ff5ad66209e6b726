import { expect, test } from '@jest/globals';
import * as runtime from 'onnxruntime-node';
import type { Tensor } from 'onnxruntime-common';
import { sessionOptions } from '../../src/device/sessionOptions.js';
import { exportOnnx } from '../../src/models/exportOnnx.js';
import { recordedUNet } from '../support/recordedUNet.js';

const BUDGET = 16 * 2 ** 10;

test('layers whose widened weight is above the budget are split, with the same result', async () => {
  const { checkpoint, model, inputs, shapes, excess } = await recordedUNet('sd-tiny-f16');
  const run = async (widenBudget: number): Promise<{ sample: Tensor; bytes: number }> => {
    const onnx = exportOnnx(model, checkpoint, 'call', shapes, { widenBudget });
    const session = await runtime.InferenceSession.create(onnx.bytes, sessionOptions(onnx, { provider: 'cpu' }));
    const { 'out.sample': sample } = await session.run(inputs);
    await session.release();
    return { sample: sample as unknown as Tensor, bytes: onnx.bytes.length };
  };
  const whole = await run(Infinity);
  const parts = await run(BUDGET);
  expect(parts.bytes).toBeGreaterThan(whole.bytes * 1.2);
  expect(await excess(parts.sample)).toBeLessThanOrEqual(1);
  const [a, b] = [whole.sample.data as Float32Array, parts.sample.data as Float32Array];
  expect(a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - (b[i] as number))), 0)).toBeLessThan(1e-4);
});
