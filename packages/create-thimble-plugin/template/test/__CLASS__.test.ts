import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestPipeline, runPluginConformance, testRun } from '@thimble/plugin-testkit';
import { __CLASS__, type StepTime } from '../src/index.js';

runPluginConformance(() => new __CLASS__({ onStep: () => undefined }), { tolerance: 0, describe, test });

test('tells the time of each step', async () => {
  const times: StepTime[] = [];
  const pipe = await createTestPipeline({ device: 'fake' });
  await pipe.use(new __CLASS__({ onStep: (time) => times.push(time) }));
  await pipe.generate('a cat', testRun);
  await pipe.dispose();
  assert.deepEqual(times.map(({ index }) => index), [0, 1]);
  assert.ok(times.every(({ milliseconds }) => milliseconds > 0));
});
