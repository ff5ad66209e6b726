import { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../fields/refuseOption.js';

/** Which blocks of a transformer a further prediction leaves out, how strongly its difference counts, and in which share of the steps. */
export interface SkipGuidance {
  readonly skipGuidanceLayers: readonly number[] | undefined;
  readonly skipLayerGuidanceScale: number;
  readonly skipLayerGuidanceStart: number;
  readonly skipLayerGuidanceStop: number;
}

/** @throws ERR_ARGUMENT_INVALID for layers that the model does not have, and for a run that has no guidance to add to */
export function checkSkipGuidance(
  { skipGuidanceLayers: layers, guidanceScale }: SkipGuidance & { readonly guidanceScale: number },
  count: number,
): void {
  if (layers === undefined) return;
  if (layers.some((layer) => layer >= count))
    refuseOption('skipGuidanceLayers', layers, `numbers of blocks from 0 to ${count - 1}`);
  if (guidanceScale <= 1)
    refuseOption(
      'skipGuidanceLayers',
      layers,
      `a guidanceScale above 1 beside it, not ${guidanceScale}: it adds to guidance`,
    );
}

/** The layers to leave out at a step of `steps`, counted from 0; none where the step is not between start and stop, the ends not included. */
export function skippedAt(
  { skipGuidanceLayers, skipLayerGuidanceStart: start, skipLayerGuidanceStop: stop }: SkipGuidance,
  index: number,
  steps: number,
): readonly number[] {
  return index > steps * start && index < steps * stop ? (skipGuidanceLayers ?? []) : [];
}

/**
 * Adds what the layers contribute to a guided prediction: guided + scale · (withPrompt − skipped), [n, …] each (source: diffusers pipelines/stable_diffusion_3, after
 * arXiv 2411.18664).
 */
export function addSkipGuidance(guided: Tensor, withPrompt: Tensor, skipped: Tensor, scale: number): Tensor {
  const [a, b, c] = [guided, withPrompt, skipped].map(({ data }) => data as Float32Array) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return new Tensor(
    'float32',
    a.map((value, i) => value + Math.fround(Math.fround((b[i] as number) - (c[i] as number)) * scale)),
    guided.dims,
  );
}
