import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { JobEvent, JobState } from './jobs/Job.js';
import type { JobQueue } from './jobs/JobQueue.js';
import type { ModelCatalog } from './models/ModelCatalog.js';

/** What Prometheus reads: jobs, steps, models, requests, and this process. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #jobs = new Counter({
    name: 'thimble_jobs_total',
    help: 'Jobs that have ended, by model and how',
    labelNames: ['model', 'status'],
    registers: [this.#registry],
  });
  readonly #seconds = new Histogram({
    name: 'thimble_run_seconds',
    help: 'How long runs took that are done, without waiting',
    labelNames: ['model'],
    buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000],
    registers: [this.#registry],
  });
  readonly #steps = new Counter({
    name: 'thimble_steps_total',
    help: 'Steps that models have done',
    registers: [this.#registry],
  });
  readonly #images = new Counter({
    name: 'thimble_images_total',
    help: 'Pictures that were made',
    registers: [this.#registry],
  });
  readonly #requests = new Counter({
    name: 'thimble_http_requests_total',
    help: 'Requests that were answered, by route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Looks at a queue and at models whenever it is read. */
  watch({ queue, models }: { readonly queue: JobQueue; readonly models: ModelCatalog }): void {
    const jobs: Gauge = new Gauge({
      name: 'thimble_jobs',
      help: 'Jobs that are not done',
      labelNames: ['status'],
      registers: [this.#registry],
      collect: async () => {
        const { queued, running } = await queue.load();
        jobs.set({ status: 'queued' }, queued);
        jobs.set({ status: 'running' }, running);
      },
    });
    const open: Gauge = new Gauge({
      name: 'thimble_models_open',
      help: 'Models that are open',
      registers: [this.#registry],
      collect: () => open.set(models.opened.length),
    });
  }

  happened({ type }: JobEvent): void {
    if (type === 'step') this.#steps.inc();
    if (type === 'image') this.#images.inc();
  }

  ended({ request: { model }, status, startedAt, finishedAt }: JobState): void {
    this.#jobs.inc({ model, status });
    if (status === 'done' && startedAt !== undefined && finishedAt !== undefined)
      this.#seconds.observe({ model }, (finishedAt - startedAt) / 1000);
  }

  answered(method: string, route: string, status: number): void {
    this.#requests.inc({ method, route, status });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    return this.#registry.metrics();
  }
}
