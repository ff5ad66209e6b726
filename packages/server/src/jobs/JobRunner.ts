import {
  Image,
  isThimbleError,
  type DiffusionPipeline,
  type GenerateOptions,
  type ImageEvent,
  type PreviewEvent,
} from '@thimble/core';
import type { Fields } from '@thimble/core/model';
import { readOptions } from '@thimble/core/plugin';
import type { ModelLease, ModelPool } from '../models/ModelPool.js';
import type { ResultStore } from '../results/ResultStore.js';
import { ServerError } from '../ServerError.js';
import type { Job, JobRequest } from './Job.js';
import type { JobRun } from './JobQueue.js';
import { isPictureField } from './isPictureField.js';
import { PreviewChoice } from './PreviewChoice.js';
import { reportMemory } from './reportMemory.js';

/** Options of a run that are the server's: it reads and makes pictures. */
const WITHHELD = ['outputType', 'previews', 'signal'];

/** Does jobs with the models of this process, and puts their pictures into the store. */
export class JobRunner {
  readonly #models: ModelPool;
  readonly #store: ResultStore;

  constructor(models: ModelPool, store: ResultStore) {
    this.#models = models;
    this.#store = store;
  }

  /** Does a job. Where memory runs out while other models lie about, these are closed and it is done again. @throws what opening the model and the run throw; `run.signal.reason` */
  async run(job: Job, run: JobRun): Promise<void> {
    try {
      await this.#attempt(job, run);
    } catch (error) {
      const tight = isThimbleError(error, 'ERR_OUT_OF_MEMORY') || isThimbleError(error, 'ERR_DEVICE_CRASHED');
      if (!tight || !(await this.#models.closeOthers(job.request.model))) throw error;
      await this.#attempt(job, run);
    }
  }

  async #attempt(job: Job, run: JobRun): Promise<void> {
    const { request } = job;
    using lease = await this.#models.lease(request.model, run.signal);
    const { pipe } = lease;
    await lease.prepare({ prompt: request.prompt, signal: run.signal });
    const options = await this.#optionsOf(pipe, request);
    chooseScheduler(lease, request.scheduler);
    const stopReporting = reportMemory(pipe, run.emit);
    try {
      await this.#generate(pipe, options, { job, run });
    } finally {
      stopReporting();
    }
  }

  async #generate(
    pipe: DiffusionPipeline,
    options: GenerateOptions<'image'>,
    { job, run }: { readonly job: Job; readonly run: JobRun },
  ): Promise<void> {
    const { request } = job;
    const previews = new PreviewChoice(request.previews);
    let steps = 0;
    for await (const event of pipe.stream(request.prompt, {
      ...options,
      ...(request.previews !== undefined && 'previews' in pipe.optionFields ? { previews: true } : {}),
      signal: run.signal,
    })) {
      if (event.type === 'step') {
        ({ steps } = event);
        run.emit({ type: 'step', step: event.index + 1, steps });
      } else if (event.type === 'preview' && previews.takes(event.index, steps)) {
        run.emit({ type: 'preview', step: event.index + 1, steps, images: await encoded(event) });
      } else if (event.type === 'image') await this.#keep(job, event, run);
    }
  }

  async #keep(job: Job, { index, image, seed }: ImageEvent, { emit }: JobRun): Promise<void> {
    const { format, quality } = job.request;
    const key = this.#store.resultKey(job, index, format);
    await this.#store.put(key, await image.toBuffer(format, format === 'png' ? {} : { quality }));
    const { width, height, metadata } = image;
    const { parameters } = metadata;
    emit({
      type: 'image',
      image: {
        key,
        index,
        width,
        height,
        ...(seed === undefined ? {} : { seed }),
        ...(parameters === undefined ? {} : { parameters }),
      },
    });
  }

  /** Only what JSON can hold may be set by a request, and its pictures: a text in place of a picture would be a path. */
  async #optionsOf(
    pipe: DiffusionPipeline,
    { model, options, pictures }: JobRequest,
  ): Promise<GenerateOptions<'image'>> {
    const fields = pipe.optionFields;
    if ('numFrames' in fields) throw new ServerError('ERR_MODEL_MAKES_VIDEOS', { model });
    readOptions({ ...options, ...pictures }, settable(fields), 'generate');
    const images = Object.entries(pictures).map(async ([name, key]) => [name, await this.#picture(key)] as const);
    return { ...options, ...Object.fromEntries(await Promise.all(images)) };
  }

  async #picture(key: string): Promise<Image> {
    const bytes = await this.#store.get(key);
    if (bytes === undefined) throw new ServerError('ERR_RESULT_UNKNOWN', {});
    return Image.open(bytes);
  }
}

function settable(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      if (WITHHELD.includes(name)) return [];
      if (isPictureField(field)) return [[name, { ...field, accepts: (key: unknown) => typeof key === 'string' }]];
      return field.schema === undefined ? [] : [[name, field]];
    }),
  );
}

/** Runs of a device take turns, so that the scheduler is this run's. */
function chooseScheduler({ pipe, scheduler }: ModelLease, name: string | undefined): void {
  pipe.scheduler = scheduler;
  if (name !== undefined) pipe.scheduler = pipe.createScheduler(name);
}

async function encoded({ images }: PreviewEvent): Promise<string[]> {
  return Promise.all(images.map(async (image) => (await image.toBuffer()).toString('base64')));
}
