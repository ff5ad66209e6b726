import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isThimbleError } from '@thimble/core';
import {
  createTestPipeline,
  expectSameOutput,
  recordHooks,
  runPluginConformance,
  testRun,
} from '@thimble/plugin-testkit';
import { StepCachePlugin } from '../src/index.js';

const run = { ...testRun, numInferenceSteps: 5 };

// The weights are random, so a reused feature is as far off as can be: this says that the plugin is well-behaved, not how close it is.
runPluginConformance(() => new StepCachePlugin(), { tolerance: 1, run: { numInferenceSteps: 5 }, describe, test });

test('with an interval of 1 every step is full, and the picture is that without the plugin', async () => {
  const pipe = await createTestPipeline();
  const plain = await pipe.generate('a cat', run);
  await pipe.use(new StepCachePlugin({ interval: 1 }));
  expectSameOutput(await pipe.generate('a cat', run), plain);
  await pipe.dispose();
});

test('in the steps between, deep segments are not loaded and do not run', async () => {
  const pipe = await createTestPipeline({ device: 'fake' });
  await pipe.use(new StepCachePlugin({ interval: 2 }));
  const loads: string[] = [];
  const { load } = pipe.device;
  pipe.device.load = async (model) => {
    loads.push(model.name);
    return load.call(pipe.device, model);
  };
  const tap = pipe.hooks.afterSegment.tap('unload', async ({ component, handle }) => {
    if (component === 'unet') await handle.unload();
  });
  await pipe.generate('a cat', { ...run, numInferenceSteps: 4 });
  tap[Symbol.dispose]();
  const times = (segment: string): number => loads.filter((name) => name === segment).length;
  assert.equal(times('conv_in'), 4);
  assert.equal(times('up_blocks.2.resnets.1'), 4);
  assert.equal(times('mid_block.attentions.0'), 2);
  assert.equal(times('up_blocks.2.resnets.0'), 2);
  await pipe.dispose();
});

test('the deeper, the more is computed anew; deeper than the UNet is refused', async () => {
  const pipe = await createTestPipeline({ device: 'fake' });
  const handle = await pipe.use(new StepCachePlugin({ depth: 2 }));
  await pipe.generate('a cat', run);
  await handle.remove();
  await pipe.use(new StepCachePlugin({ depth: 9 }));
  await assert.rejects(
    pipe.generate('a cat', run),
    (error) => isThimbleError(error, 'ERR_PLUGIN_HOOK') && isThimbleError(error.cause, 'ERR_ARGUMENT_INVALID'),
  );
  await pipe.dispose();
});

test('a call outside a run is computed whole', async () => {
  const pipe = await createTestPipeline({ device: 'fake' });
  await pipe.use(new StepCachePlugin());
  const record = recordHooks(pipe, ['afterSegment']);
  const { input_ids } = pipe.tokenizer.encode(['a cat']);
  await pipe.components['text_encoder']!.call({ input_ids });
  assert.ok(record.calls.length > 0);
  await pipe.dispose();
});

test('options are checked', () => {
  assert.throws(
    () => new StepCachePlugin({ interval: 0 }),
    (error) => isThimbleError(error, 'ERR_ARGUMENT_INVALID'),
  );
  assert.throws(
    () => new StepCachePlugin({ depth: 1.5 }),
    (error) => isThimbleError(error, 'ERR_ARGUMENT_INVALID'),
  );
});
