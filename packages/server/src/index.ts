// The public API of @thimble/server.
export { createServer } from './createServer.js';
export type { ThimbleServer } from './createServer.js';
export { createWorker } from './createWorker.js';
export type { ThimbleWorker } from './createWorker.js';
export { thimbleServer } from './thimbleServer.js';
export type { ThimbleServerOptions } from './thimbleServer.js';
export { Service } from './Service.js';
export { ServerError } from './ServerError.js';
export type { ServerOptions, ServiceOptions, ServiceSettings, WorkerOptions } from './ServerOptions.js';
export type { ModelDefinition, ModelRun, OpenModel } from './models/ModelDefinition.js';
export type { ModelCatalog } from './models/ModelCatalog.js';
export type { ModelFacts } from './models/ModelFacts.js';
export { ModelPool } from './models/ModelPool.js';
export type { ModelLease, ModelPoolOptions } from './models/ModelPool.js';
export type { Generation } from './jobs/Generation.js';
export type {
  Job,
  JobEvent,
  JobFailure,
  JobImage,
  JobRequest,
  JobState,
  JobStatus,
  JsonValue,
  NumberedEvent,
} from './jobs/Job.js';
export type { JobProcessor, JobQueue, JobRun, QueueLoad } from './jobs/JobQueue.js';
export type { QueueFactory } from './jobs/QueueFactory.js';
export { InProcessQueue } from './jobs/InProcessQueue.js';
export type { InProcessQueueOptions } from './jobs/InProcessQueue.js';
export { JobRunner } from './jobs/JobRunner.js';
export { Metrics } from './Metrics.js';
export { ResultStore } from './results/ResultStore.js';
export type { ResultStorage } from './results/ResultStorage.js';
export type { PictureFormat } from './results/PictureFormat.js';
