// What is loaded where jobs wait in Redis, and not before: its packages are optional.
export { RedisConnection } from './RedisConnection.js';
export { RedisQueue } from './RedisQueue.js';
export { RedisWorker } from './RedisWorker.js';
export { RemoteModels } from './RemoteModels.js';
export { announceWorker, dismissWorker } from './workerRegister.js';
