import { Tensor } from 'onnxruntime-common';
import type { StepContext } from '../hooks/calls/StepContext.js';
import type { Generator } from '../random/Generator.js';
import type { PipelineEvent } from '../run/PipelineEvent.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import type { Scheduler } from '../schedulers/Scheduler.js';
import { assertFinite } from './assertFinite.js';
import type { Preview } from './Preview.js';
import type { Start } from './starts/Start.js';

/** What one denoising is made of. */
export interface Denoising {
  /** With its timesteps set. */
  readonly scheduler: Scheduler;
  readonly start: Start;
  /** The first of the scheduler's timesteps that is left out, where the run ends before all noise is gone. */
  readonly endIndex?: number | undefined;
  /**
   * Asks the model: what it predicts, guidance applied, for latents that the scheduler has scaled, [n, …] → [n, …]. `index` counts the steps of
   * this run from 0.
   */
  readonly predict: (latents: Tensor, timestep: number, index: number) => Promise<Tensor>;
  /** Where a scheduler that needs fresh noise draws it from. */
  readonly generator: Generator;
  /** DDIM's η. */
  readonly eta?: number | undefined;
  /** Draws a small picture after every step. */
  readonly preview?: Preview | undefined;
}

/**
 * Denoises from a start, to latents without noise unless it ends before: for each timestep from the start's on it calls the `beforeStep` hook, asks the model, lets the scheduler
 * step, and calls the `afterStep` hook. Yields a `step` event after each, then the preview and the memory, and notes how long the steps took.
 *
 * @returns the latents after the last step
 * @throws ERR_LATENTS_NAN for a step that gives NaN or infinity; `signal.reason`; what hooks, model and scheduler throw
 */
export async function* denoise(run: PipelineRun, denoising: Denoising): AsyncGenerator<PipelineEvent, Tensor> {
  const { scheduler, start, endIndex, predict, generator, eta = 0, preview } = denoising;
  const timesteps = scheduler.timesteps.slice(start.beginIndex, endIndex);
  if (start.beginIndex > 0) scheduler.setBeginIndex?.(start.beginIndex);
  let { latents } = start;
  // The solver of CogVideoX looks back at the step before, as in diffusers; the others pass over these two.
  let oldPredOriginalSample: Tensor | null = null;
  for (const [index, timestep] of timesteps.entries()) {
    const started = performance.now();
    const step: StepContext = { index, timestep, latents, run: run.context, signal: run.signal };
    await run.hooks.beforeStep.call(step);
    const scaled = scheduler.scaleModelInput(step.latents, timestep);
    const input = start.modelInput?.(scaled, timestep) ?? scaled;
    const prediction = yield* run.during(predict(input, timestep, index));
    const timestepBack = timesteps[index - 1] ?? null;
    const options = { eta, generator, oldPredOriginalSample, timestepBack };
    const { prevSample, predOriginalSample } = scheduler.step(prediction, timestep, step.latents, options);
    oldPredOriginalSample = predOriginalSample ?? null;
    step.latents = (await start.afterStep?.(prevSample, timesteps[index + 1])) ?? prevSample;
    assertFinite(step.latents, `after step ${index + 1} of ${timesteps.length}`);
    await run.hooks.afterStep.call(step);
    ({ latents } = step);
    const milliseconds = performance.now() - started;
    run.timings.steps.push(milliseconds);
    yield* run.drain();
    yield { type: 'step', index, steps: timesteps.length, timestep, milliseconds, latents: copyOf(latents) };
    if (preview !== undefined) {
      const images = yield* run.during(Promise.resolve(preview.draw(predOriginalSample ?? latents)));
      yield { type: 'preview', index, images };
    }
    yield { type: 'memory', memory: run.memory.sample() };
    run.signal?.throwIfAborted();
  }
  return latents;
}

/** Gives a copy of latents to whoever asks. */
function copyOf(latents: Tensor): () => Promise<Tensor> {
  return async () => new Tensor('float32', (latents.data as Float32Array).slice(), latents.dims);
}
