// What container.mjs runs within the limit: a server, a worker, a picture. Arguments: the address of Redis, the checkpoint.
import { readProcessMemory } from '../memory.mjs';
import { end, getJson, postJson, startServer, startWorker } from './processes.mjs';

const [redis, checkpoint] = process.argv.slice(2);
const MB = 2 ** 20;
const server = await startServer('--redis', redis);
const options = ['--variant', 'fp16', '--offload', 'sequential', '--vae-tiling', '--memory-limit', '160MB'];
const worker = startWorker('--redis', redis, '--model', `sd=${checkpoint}`, ...options);
while ((await getJson(`${server.url}/v1/models`)).data.length === 0)
  await new Promise((resolve) => void setTimeout(resolve, 200));
const answer = await postJson(`${server.url}/v1/images/generations`, {
  prompt: 'a red fox',
  steps: 2,
  size: '512x512',
  scheduler: 'ddim',
  seed: 1,
});
const body = await answer.json();
const held = {
  serve: readProcessMemory(server.pid).resident / MB,
  worker: readProcessMemory(worker.pid).resident / MB,
};
console.log(JSON.stringify({ status: answer.status, size: body.size, error: body.error, megabytes: held }));
await Promise.all([end(server.child), end(worker)]);
process.exitCode = answer.ok ? 0 : 1;
