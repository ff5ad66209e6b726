import { type Component, DiffusionPipeline } from '@thimble/core';
import { type NamedTensors } from '@thimble/core/plugin';
import { INT8_COMPONENTS, type Int8Sensitivity, measureSensitivity } from '@thimble/plugin-int8';
import { withoutUndefined } from '../withoutUndefined.js';

/** What parts of a component lose when they compute in int8, the most sensitive first. */
export interface Int8Report {
  readonly component: string;
  readonly parts: readonly Int8Sensitivity[];
}

/** Options of {@link inspectInt8}. */
export interface Int8InspectOptions {
  readonly variant?: string | undefined;
  readonly revision?: string | undefined;
  readonly config?: string | undefined;
  readonly localFilesOnly?: boolean | undefined;
  readonly allowSymlinks?: boolean | undefined;
  readonly signal: AbortSignal;
  /** Told of every part, as a line of text. */
  readonly onLine: (line: string) => void;
}

interface Call {
  readonly component: string;
  readonly entry: string;
  readonly inputs: NamedTensors;
}

const PROMPT = 'a photo of a cat';
const STEPS = 4;
/** Of these steps the call that is looked at: neither all noise nor nearly done. */
const STEP = 1;

/**
 * Measures how much each part of the denoiser and of the VAE loses in int8: on what they are given while a picture is made.
 *
 * @throws what the pipeline throws, as for a single model that cannot generate
 */
export async function inspectInt8(
  model: string,
  { signal, onLine, ...options }: Int8InspectOptions,
): Promise<readonly Int8Report[]> {
  const pipe = await DiffusionPipeline.fromPretrained(model, { signal, ...withoutUndefined(options) });
  try {
    const reports: Int8Report[] = [];
    for (const { component, entry, inputs } of await callsOf(pipe, signal)) {
      const parts = await measureSensitivity(pipe.components[component] as Component, inputs, {
        entry,
        signal,
        onMeasured: ({ name, decibels }, done, total) =>
          onLine(`${component} ${done}/${total} ${name}: ${decibels.toFixed(1)} dB`),
      });
      reports.push({ component, parts });
    }
    return reports;
  } finally {
    await pipe.dispose();
  }
}

/** What the denoiser is called with in the middle of a run, and the VAE at its end. */
async function callsOf(pipe: DiffusionPipeline, signal: AbortSignal): Promise<readonly Call[]> {
  const calls = new Map<string, Call[]>();
  using tap = pipe.hooks.beforeModelCall.tap('thimble:inspect', ({ component, entry, inputs }) => {
    if (INT8_COMPONENTS.test(component))
      calls.set(component, [...(calls.get(component) ?? []), { component, entry, inputs: { ...inputs } }]);
  });
  void tap;
  await pipe.generate(PROMPT, { numInferenceSteps: STEPS, guidanceScale: 1, seed: 0, signal });
  return [...calls.values()].map((all) => all[Math.min(STEP, all.length - 1)] as Call);
}
