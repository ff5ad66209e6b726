// A worker thread that makes a picture, tells the process number of its device, and ends in the way that it is told; run by threads.test.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { DiffusionPipeline } from '../../dist/index.js';

const { folder, how } = workerData;
const pipe = await DiffusionPipeline.fromPretrained(folder, { deviceOptions: { threads: 1 } });
const { images } = await pipe.generate('a cat', {
  numInferenceSteps: 1,
  width: 128,
  height: 128,
  outputType: 'tensor',
});
parentPort.postMessage({ pid: pipe.device.pid, size: images.data.length });
if (how === 'is terminated while it runs') await pipe.generate('a cat', { numInferenceSteps: 900 });
if (how === 'is terminated while it waits') setInterval(() => undefined, 1000);
if (how === 'fails')
  setTimeout(() => {
    throw new Error('x');
  }, 50);
if (how === 'calls process.exit') setTimeout(() => process.exit(0), 50);
if (how === 'disposes') await pipe.dispose();
if (how === 'is told of a crash') {
  process.kill(pipe.device.pid, 'SIGKILL');
  const error = await pipe.generate('a cat', { numInferenceSteps: 900 }).catch((reason) => reason);
  parentPort.postMessage({ code: error.code, reason: error.details.reason });
  await pipe.dispose();
}
