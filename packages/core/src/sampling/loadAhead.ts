import { Tensor } from 'onnxruntime-common';
import type { Component } from '../execution/Component.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import { nominalShapes } from '../models/nominalShapes.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { untilAborted } from '../untilAborted.js';
import { timestepTensor } from './timestepTensor.js';

/** The sizes of a denoiser's first call. */
export interface DenoiserSizes {
  /** Samples at once: with guidance twice as many as pictures. */
  readonly batch: number;
  readonly latentHeight: number;
  readonly latentWidth: number;
  /** Of each prompt. */
  readonly tokens: number;
  readonly timestep: number;
}

/** Sessions that are made for a call to come. */
export interface LoadingAhead extends AsyncDisposable {
  /** From now on none is begun: the call is there. */
  stopWaiting(): void;
}

/**
 * Makes the sessions of a UNet while the prompt is encoded: once the text encoder is loaded, the device computes and this process has time. What fails is left to the call, which tries again.
 * At the end nothing of it goes on.
 */
export function loadAhead(run: PipelineRun, unet: Component, sizes: DenoiserSizes): LoadingAhead {
  const [end, waiting] = [new AbortController(), new AbortController()];
  const signal = AbortSignal.any([end.signal, run.signal].filter((each) => each !== undefined));
  const load = async (): Promise<void> => {
    await untilAborted(run.computing, AbortSignal.any([signal, waiting.signal]));
    await unet.loadAhead('call', emptyInputs(unet, sizes), signal);
  };
  const loading = load().catch(() => undefined);
  return {
    stopWaiting: () => waiting.abort(),
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await loading;
    },
  };
}

/** Zeros of the sizes that a UNet is given. */
function emptyInputs({ model }: Component, sizes: DenoiserSizes): NamedTensors {
  const { batch, latentHeight: height, latentWidth: width, tokens, timestep } = sizes;
  const { call } = model.entries;
  const shapes = nominalShapes(call as NonNullable<typeof call>, { batch, height, width, tokens });
  const zeros = Object.entries(shapes).map(([name, { dims }]) => {
    const size = dims.reduce((a, b) => a * b, 1);
    return [name, new Tensor('float32', new Float32Array(size), dims)] as const;
  });
  return { ...Object.fromEntries(zeros), timestep: timestepTensor(timestep) };
}
