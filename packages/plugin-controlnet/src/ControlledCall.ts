import { Tensor } from '@thimble/core';
import type { ComponentHandle, InputPictures, NamedTensors, RunContext } from '@thimble/core/plugin';
import { DOWN_SAMPLE, type ControlNetModel, MID_SAMPLE } from './ControlNetModel.js';
import type { ControlStrength } from './controlOptions.js';

/** What a UNet takes the outputs of a ControlNet as. */
const DOWN_RESIDUAL = 'down_block_additional_residuals.';
const MID_RESIDUAL = 'mid_block_additional_residual';

/** One ControlNet in one call of the UNet. */
export interface Control {
  readonly handle: ComponentHandle;
  readonly strength: ControlStrength;
  readonly pictures: InputPictures;
  /** Its picture at the size of the run. */
  readonly pixels: (size: { readonly width: number; readonly height: number }) => Promise<Tensor>;
}

/** Samples of a batch. */
export interface Rows {
  readonly start: number;
  readonly count: number;
}

/** What a call of the UNet is a part of. */
export interface ControlledRun {
  readonly run: RunContext;
  readonly signal: AbortSignal | undefined;
  /** Results of the run: with guidance the batch is twice as large, what knows nothing of the prompt first. */
  readonly results: number;
  readonly guided: boolean;
}

/** What ControlNets add to a UNet's hidden states (source: diffusers pipelines/controlnet/pipeline_controlnet.py). */
export class ControlledCall {
  readonly #call: ControlledRun;

  constructor(call: ControlledRun) {
    this.#call = call;
  }

  /** The residuals for some samples of the batch, whose inputs these are; those of several ControlNets added up. */
  async residuals(controls: readonly Control[], inputs: NamedTensors, rows: Rows): Promise<NamedTensors> {
    const sums: NamedTensors = {};
    for (const control of controls) await this.#add(sums, control, inputs, rows);
    return sums;
  }

  async #add(sums: NamedTensors, control: Control, inputs: NamedTensors, rows: Rows): Promise<void> {
    const { handle, strength } = control;
    const { results, guided, run, signal } = this.#call;
    const model = handle.model as ControlNetModel;
    const guessMode = strength.guessMode || model.globalPoolConditions;
    // What knows nothing of the prompt, the first half, is left alone then.
    const skipped = guessMode && guided ? Math.min(Math.max(0, results - rows.start), rows.count) : 0;
    const own: Rows = { start: rows.start + skipped, count: rows.count - skipped };
    if (own.count === 0) return;
    const given = ownInputs(model, sliceRows(inputs, rows.count, skipped, own.count));
    const controlnet_cond = await this.#condition(control, given['sample'] as Tensor, own);
    const outputs = await handle.call({ ...given, controlnet_cond }, { run, signal });
    const names = [...this.#down(outputs), MID_SAMPLE];
    for (const [i, name] of names.entries()) {
      const factor = strength.scale * (guessMode && !model.globalPoolConditions ? depthScale(i, names.length) : 1);
      const output = outputs[name] as Tensor;
      const residual = model.globalPoolConditions ? averaged(output) : output;
      const target = name === MID_SAMPLE ? MID_RESIDUAL : DOWN_RESIDUAL + name.slice(DOWN_SAMPLE.length);
      sums[target] = addScaled(sums[target], residual, factor, { skipped, count: rows.count });
      // As large as all hidden states together: they go one by one.
      delete outputs[name];
    }
  }

  #down(outputs: NamedTensors): readonly string[] {
    return Object.keys(outputs).filter((name) => name.startsWith(DOWN_SAMPLE));
  }

  /** The picture of each of these samples; one for all where there is one. */
  async #condition({ handle, pictures, pixels }: Control, sample: Tensor, rows: Rows): Promise<Tensor> {
    const factor = (handle.model as ControlNetModel).conditioningFactor;
    const [, , height, width] = sample.dims as [number, number, number, number];
    const all = await pixels({ width: width * factor, height: height * factor });
    if (pictures.count === 1) return all;
    const { results } = this.#call;
    const size = all.size / pictures.count;
    const data = new Float32Array(rows.count * size);
    for (let i = 0; i < rows.count; i++) {
      const picture = Math.floor((((rows.start + i) % results) * pictures.count) / results);
      data.set((all.data as Float32Array).subarray(picture * size, (picture + 1) * size), i * size);
    }
    return new Tensor('float32', data, [rows.count, ...all.dims.slice(1)]);
  }
}

/** Of the UNet's inputs those that the ControlNet has too; of a sample that has a mask beside the latents, the latents. */
function ownInputs(model: ControlNetModel, inputs: NamedTensors): NamedTensors {
  const known = model.entries['call']?.inputs ?? {};
  const own = Object.fromEntries(Object.entries(inputs).filter(([name]) => Object.hasOwn(known, name)));
  const sample = own['sample'] as Tensor;
  const channels = known['sample']?.dims[1] as number;
  const [n, all, height, width] = sample.dims as [number, number, number, number];
  if (all <= channels) return own;
  const plane = height * width;
  const data = new Float32Array(n * channels * plane);
  for (let i = 0; i < n; i++)
    data.set(
      (sample.data as Float32Array).subarray(i * all * plane, (i * all + channels) * plane),
      i * channels * plane,
    );
  return { ...own, sample: new Tensor('float32', data, [n, channels, height, width]) };
}

/** Some samples of inputs of `batch`; what all have in common, once, is theirs too. No copies. */
export function sliceRows(inputs: NamedTensors, batch: number, start: number, count: number): NamedTensors {
  if (count === batch) return inputs;
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      const [n, ...rest] = tensor.dims;
      if (n !== batch || batch === 1) return [name, tensor];
      const size = tensor.size / batch;
      const data = (tensor.data as Float32Array).subarray(start * size, (start + count) * size);
      return [name, new Tensor(tensor.type as 'float32', data, [count, ...rest])];
    }),
  );
}

/** In guess mode shallow layers count for a tenth, and each deeper one for more, to 1 in the middle. */
function depthScale(i: number, count: number): number {
  return 10 ** (i / (count - 1) - 1);
}

/** The average of each channel, everywhere. */
function averaged(tensor: Tensor): Tensor {
  const [n, channels, ...sides] = tensor.dims as [number, number, ...number[]];
  const plane = sides.reduce((a, b) => a * b, 1);
  const out = new Float32Array(tensor.size);
  for (let i = 0; i < n * channels; i++) {
    const values = (tensor.data as Float32Array).subarray(i * plane, (i + 1) * plane);
    out.fill(values.reduce((sum, value) => sum + value, 0) / plane, i * plane, (i + 1) * plane);
  }
  return new Tensor('float32', out, tensor.dims);
}

/** `sum + factor · tensor`, where `tensor` holds the samples behind the `skipped` ones, of `count`. */
function addScaled(
  sum: Tensor | undefined,
  tensor: Tensor,
  factor: number,
  { skipped, count }: { readonly skipped: number; readonly count: number },
): Tensor {
  if (sum === undefined && skipped === 0 && factor === 1) return tensor;
  const [n = 1, ...rest] = tensor.dims;
  const from = skipped * (tensor.size / n);
  // What a ControlNet gave itself is never written into.
  const out = sum === undefined ? new Float32Array(from + tensor.size) : (sum.data as Float32Array).slice();
  const values = tensor.data as Float32Array;
  for (let i = 0; i < values.length; i++) out[from + i] = (out[from + i] as number) + factor * (values[i] as number);
  return new Tensor('float32', out, [count, ...rest]);
}
