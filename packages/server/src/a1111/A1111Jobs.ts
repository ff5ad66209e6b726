import type { FastifyReply } from 'fastify';
import { closedSignal } from '../http/closedSignal.js';
import { JobFailedError } from '../http/errorAnswer.js';
import { followJob } from '../http/followJob.js';
import type { Generation } from '../jobs/Generation.js';
import type { JobImage, JobState } from '../jobs/Job.js';
import { base64Of } from '../results/base64Of.js';
import type { Service } from '../Service.js';
import type { Txt2ImgBody } from './a1111Schema.js';
import { infoOf } from './infoOf.js';

/** What `txt2img` and `img2img` answer. */
export interface A1111Answer {
  readonly images: readonly string[];
  readonly parameters: object;
  /** JSON as a text. */
  readonly info: string;
}

/** The jobs of AUTOMATIC1111's clients, which know of one at a time. */
export class A1111Jobs {
  readonly #service: Service;
  /** Those that are not done, in the order in which they were taken in, with the last preview of each. */
  readonly #previews = new Map<string, string | undefined>();
  #model: string | undefined;

  constructor(service: Service) {
    this.#service = service;
  }

  /** That of requests which name none. @throws ERR_MODEL_UNKNOWN where it is set to one that there is not */
  get model(): string {
    return this.#model ?? this.#service.models.names[0] ?? '';
  }

  set model(name: string) {
    this.#service.models.deviceOf(name);
    this.#model = name;
  }

  /** Does a job for a client who waits. An interrupted one is answered with the pictures that were done. @throws JobFailedError */
  async run(generation: Generation, body: Txt2ImgBody, reply: FastifyReply): Promise<A1111Answer> {
    const service = this.#service;
    const gone = closedSignal(reply);
    const job = await service.submit(generation);
    const images: JobImage[] = [];
    let interrupted = false;
    this.#previews.set(job.id, undefined);
    try {
      for await (const event of followJob(service, job, gone)) {
        if (event.type === 'preview') this.#previews.set(job.id, event.images[0]);
        if (event.type === 'image') images.push(event.image);
        if (event.type === 'error' && event.error.code !== 'ERR_JOB_CANCELLED') throw new JobFailedError(event.error);
        if (event.type === 'error') interrupted = true;
      }
    } finally {
      this.#previews.delete(job.id);
    }
    const shown = body.send_images === false ? [] : images;
    return {
      images: await Promise.all(shown.map(async ({ key }) => base64Of(service.store, key))),
      parameters: parametersOf(body),
      info: JSON.stringify(infoOf(job, images, interrupted)),
    };
  }

  /** The job that runs, or else the one that is next. */
  async current(): Promise<JobState | undefined> {
    const states = await Promise.all([...this.#previews.keys()].map(async (id) => this.#service.queue.get(id)));
    return states.find((state) => state?.status === 'running') ?? states[0];
  }

  /** How the job that runs looks, as base64. */
  async preview(skip: boolean): Promise<string | undefined> {
    const current = skip ? undefined : await this.current();
    return current === undefined ? undefined : this.#previews.get(current.id);
  }

  /** Cancels the job that runs. */
  async interrupt(): Promise<void> {
    const current = await this.current();
    if (current !== undefined) await this.#service.queue.cancel(current.id);
  }
}

/** What was asked, without the pictures. */
function parametersOf(body: Txt2ImgBody): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== 'init_images' && name !== 'mask'));
}
