import { Tensor } from '@thimble/core';
import { DOWN_RESIDUAL, MID_RESIDUAL } from '@thimble/core/model';
import {
  type ComponentHandle,
  concatBatch,
  disposeHeld,
  type InputPictures,
  type NamedTensors,
  type RunContext,
  sliceBatch,
} from '@thimble/core/plugin';
import { DOWN_SAMPLE, type ControlNetModel, MID_SAMPLE } from './ControlNetModel.js';
import type { ControlStrength } from './controlOptions.js';

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

  /** The residuals for some samples of the batch, whose inputs these are; those of several ControlNets added up, to those that the inputs have already. Who calls disposes of them. */
  async residuals(controls: readonly Control[], inputs: NamedTensors, rows: Rows): Promise<NamedTensors> {
    let sums: NamedTensors = {};
    for (const control of controls) {
      const before = sums;
      const made = await this.#sums(control, { ...inputs, ...before }, rows).catch((error: unknown) => {
        disposeHeld(before);
        throw error;
      });
      if (made === undefined) continue;
      disposeHeld(before);
      sums = made;
    }
    return sums;
  }

  /** What the inputs have of residuals, and this ControlNet's; `undefined` where it sees none of these samples. */
  async #sums(control: Control, inputs: NamedTensors, rows: Rows): Promise<NamedTensors | undefined> {
    const { handle, strength } = control;
    const { results, guided, run, signal } = this.#call;
    const model = handle.model as ControlNetModel;
    const guessMode = strength.guessMode || model.globalPoolConditions;
    // What knows nothing of the prompt, the first half, is left alone then.
    const skipped = guessMode && guided ? Math.min(Math.max(0, results - rows.start), rows.count) : 0;
    const own: Rows = { start: rows.start + skipped, count: rows.count - skipped };
    if (own.count === 0) return undefined;
    const given = ownInputs(model, await sliceRows(inputs, rows.count, skipped, own.count));
    const controlnet_cond = await this.#condition(control, given['sample'] as Tensor, own);
    const scales = scalesOf(model, strength.scale, guessMode && !model.globalPoolConditions);
    // As large as the UNet's hidden states together: they stay on the device, but for samples that are put behind others here.
    const onDevice = skipped === 0;
    const outputs = await handle.call(
      {
        ...given,
        controlnet_cond,
        ...(scales.some((factor) => factor !== 1) && { conditioning_scale: vector(scales) }),
      },
      { run, signal, preferredOutputLocation: onDevice ? 'ml-tensor' : 'cpu' },
    );
    const sums: NamedTensors = {};
    for (const [name, tensor] of Object.entries(outputs)) {
      const target = name === MID_SAMPLE ? MID_RESIDUAL : DOWN_RESIDUAL + name.slice(DOWN_SAMPLE.length);
      sums[target] = onDevice ? tensor : await behind(inputs[target], tensor, skipped);
    }
    return sums;
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

/** Some samples of inputs of `batch`; what all have in common, once, is theirs too. No copies of what lies here. */
export async function sliceRows(
  inputs: NamedTensors,
  batch: number,
  start: number,
  count: number,
): Promise<NamedTensors> {
  if (count === batch) return inputs;
  const sliced: NamedTensors = {};
  for (const [name, tensor] of Object.entries(inputs)) {
    const isShared = tensor.dims[0] !== batch;
    if (!isShared) await tensor.getData(true);
    sliced[name] = isShared ? tensor : sliceBatch(tensor, start, count);
  }
  return sliced;
}

/** What each residual of a ControlNet is multiplied by, the mid block's last. In guess mode shallow layers count for a tenth, and each deeper one for more, to 1 in the middle. */
function scalesOf({ entries }: ControlNetModel, factor: number, guessMode: boolean): readonly number[] {
  const { length } = entries['call']?.outputs ?? [];
  return Array.from({ length }, (_, i) => (guessMode ? factor * 10 ** (i / (length - 1) - 1) : factor));
}

function vector(values: readonly number[]): Tensor {
  return new Tensor('float32', Float32Array.from(values), [values.length]);
}

/** Samples behind the `skipped` ones, which have what was there before, one for all or one for each, or zeros. */
async function behind(before: Tensor | undefined, tensor: Tensor, skipped: number): Promise<Tensor> {
  await before?.getData();
  const [n = 1, ...rest] = tensor.dims;
  const zeros = new Tensor('float32', new Float32Array(tensor.size / n), [1, ...rest]);
  const first = Array.from({ length: skipped }, (_, i) =>
    before === undefined ? zeros : sliceBatch(before, before.dims[0] === 1 ? 0 : i, 1),
  );
  return concatBatch([...first, tensor]);
}
