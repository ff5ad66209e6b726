import type { Plugin, Tensor } from '@thimble/core';
import {
  ADDED_CALLS,
  collectGarbage,
  type ComponentHandle,
  concatBatch,
  disposeHeld,
  InputPictures,
  MODELS,
  type ModelCall,
  type Named,
  type NamedTensors,
  OPTIONS,
  type OptionRead,
  type OptionReading,
  type PluginContext,
  type PluginPipeline,
  type RunContext,
  type RunOption,
  Stage,
} from '@thimble/core/plugin';
import { cannyPictures } from './canny.js';
import { checkFit, isResidual } from './checkFit.js';
import { type Control, ControlledCall, type Rows, sliceRows } from './ControlledCall.js';
import { ControlNetModel } from './ControlNetModel.js';
import {
  checkControlNets,
  controlNetFields,
  type ControlNetOptions,
  type ControlNetSettings,
} from './ControlNetOptions.js';
import {
  type ControlImage,
  controlRunFields,
  type ControlValues,
  sourcesOfNets,
  strengthsOf,
} from './controlOptions.js';
import { isFile } from './openControlNetFile.js';

/** What the first ControlNet is called among a pipeline's components; the others have numbers. */
const CONTROLNET = 'controlnet';

/** Below this limit the UNet computes one sample at a time, and so do the ControlNets: the residuals of one are as large as its hidden states. */
const ROOM_FOR_BATCHES = 2 ** 30;

/** Where a run is. */
interface Progress {
  readonly index: number;
  /** Results of the run. */
  readonly results: number;
}

/** A picture at a size. */
type Pixels = Map<InputPictures, { readonly size: string; readonly tensor: Promise<Tensor> }>;

/**
 * Pictures of lines, depths or poses say where things are: each ControlNet looks at its own at every step, and what it makes of it is added to the UNet's hidden states; of several, the sum. The pipeline has
 * them as components, `controlnet`, `controlnet_2`, …; a run gives the pictures as `controlImage`.
 *
 * Source: L. Zhang et al., "Adding Conditional Control to Text-to-Image Diffusion Models", 2023; diffusers pipelines/controlnet/pipeline_controlnet.py.
 */
export class ControlNetPlugin implements Plugin {
  static readonly optionFields = controlNetFields;
  readonly name = 'thimble:controlnet';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #nets: readonly ControlNetSettings[];

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for a ControlNet without a model, an unknown option, or one out of range */
  constructor(nets: ControlNetOptions | readonly ControlNetOptions[]) {
    this.#nets = checkControlNets(nets);
  }

  async apply({ provide, pipeline, hooks }: PluginContext): Promise<void> {
    provide(MODELS, { ControlNetModel });
    const handles: ComponentHandle[] = [];
    for (const [i, settings] of this.#nets.entries())
      handles.push(await openNet(pipeline, i === 0 ? CONTROLNET : `${CONTROLNET}_${i + 1}`, settings));
    if (pipeline.ownComponents !== undefined) checkFit(pipeline, handles);
    for (const { name, model } of handles)
      provide(ADDED_CALLS, { component: name, entry: 'call', before: 'unet', feeds: residualNames(model) });
    provide(OPTIONS, this.#options(pipeline, handles));

    const [progress, pixels] = [Symbol('progress'), Symbol('pixels')];
    hooks.beforeStep.tap(this.name, ({ index, latents, run }) => {
      const now: Progress = { index, results: latents.dims[0] as number };
      run.state.set(progress, now);
    });
    hooks.beforeModelCall.tap({ name: this.name, stage: Stage.Early }, (call) => {
      const now = call.run?.state.get(progress) as Progress | undefined;
      if (call.component !== 'unet' || call.entry !== 'call' || call.run === undefined || now === undefined) return;
      const cache = (call.run.state.get(pixels) ?? new Map()) as Pixels;
      call.run.state.set(pixels, cache);
      const controls = this.#controlsAt(now, call.run, handles, cache);
      if (controls.length === 0) return;
      const oneByOne = (pipeline.memoryLimit ?? Infinity) < ROOM_FOR_BATCHES;
      call.wrap((next) => async (inputs) => controlled(call, inputs, { controls, now, oneByOne, next }));
    });
  }

  /** The options of a run; its picture has to be given where a ControlNet has none of its own. */
  #options(pipeline: PluginPipeline, handles: readonly ComponentHandle[]): Named<RunOption> {
    const { controlImage, ...others } = controlRunFields;
    const read = async (given: ControlImage | undefined, { warn }: OptionReading): Promise<OptionRead> => {
      checkFit(pipeline, handles);
      const value: InputPictures[] = [];
      for (const [i, source] of sourcesOfNets(this.#nets, given).entries()) {
        const pictures = await InputPictures.read(source, { option: 'controlImage', warn });
        value.push(this.#nets[i]?.preprocessor === 'canny' ? await cannyPictures(pictures, { warn }) : pictures);
      }
      return { value, size: wholeLatents(value[0] as InputPictures, handles[0] as ComponentHandle) };
    };
    const missing = this.#nets.some(({ image }) => image === undefined);
    return { ...others, controlImage: { ...controlImage, ...(missing && { required: true }), read } };
  }

  /** The ControlNets that count at a step. In diffusers the others run too, with scale 0. */
  #controlsAt(
    { index }: Progress,
    { steps, options }: RunContext,
    handles: readonly ComponentHandle[],
    cache: Pixels,
  ): readonly Control[] {
    const values = options as unknown as ControlValues;
    return strengthsOf(this.#nets, values).flatMap((strength, i): readonly Control[] => {
      if (strength.scale === 0 || index / steps < strength.start || (index + 1) / steps > strength.end) return [];
      const pictures = values.controlImage[i] as InputPictures;
      const pixels: Control['pixels'] = async (size) => {
        const key = `${size.width}x${size.height}`;
        if (cache.get(pictures)?.size !== key) cache.set(pictures, { size: key, tensor: pictures.pixels(size) });
        return (cache.get(pictures) as { readonly tensor: Promise<Tensor> }).tensor;
      };
      return [{ handle: handles[i] as ComponentHandle, strength, pictures, pixels }];
    });
  }
}

/** What a call of the UNet is made with. */
interface Controlling {
  readonly controls: readonly Control[];
  readonly now: Progress;
  readonly oneByOne: boolean;
  readonly next: (inputs: NamedTensors) => Promise<NamedTensors>;
}

/** Calls the UNet with what the ControlNets add; sample by sample where memory is short. */
async function controlled(
  { run, signal }: ModelCall,
  inputs: NamedTensors,
  { controls, now, oneByOne, next }: Controlling,
): Promise<NamedTensors> {
  const batch = inputs['sample']?.dims[0] as number;
  const guided = batch === 2 * now.results;
  const call = new ControlledCall({ run: run as RunContext, signal, results: now.results, guided });
  const one = async (rows: Rows): Promise<NamedTensors> => {
    const part = await sliceRows(inputs, batch, rows.start, rows.count);
    const residuals = await call.residuals(controls, part, rows);
    try {
      return await next({ ...part, ...residuals });
    } finally {
      disposeHeld(residuals);
    }
  };
  if (!oneByOne || batch === 1) return one({ start: 0, count: batch });
  const samples: Tensor[] = [];
  for (let start = 0; start < batch; start++) {
    samples.push((await one({ start, count: 1 }))['sample'] as Tensor);
    collectGarbage();
  }
  return { sample: concatBatch(samples) };
}

async function openNet(
  pipeline: PluginPipeline,
  name: string,
  { model, subfolder, variant, revision, config, localFilesOnly }: ControlNetSettings,
): Promise<ComponentHandle> {
  if (typeof model !== 'string') return pipeline.open(name, model);
  const where = { subfolder, variant, revision, localFilesOnly };
  // A folder is opened by the pipeline, which knows the variant that it has of other models.
  if (!(await isFile(model))) return pipeline.open(name, model, where);
  return pipeline.open(name, await ControlNetModel.fromPretrained(model, { ...where, config }));
}

/** The UNet's inputs that it feeds. */
function residualNames({ entries }: ComponentHandle['model']): readonly string[] {
  return Object.keys(entries['call']?.inputs ?? {}).filter(isResidual);
}

/** The size of a run that is made after a picture: whole latents. */
function wholeLatents({ size }: InputPictures, { model }: ComponentHandle): OptionRead['size'] {
  const factor = (model as ControlNetModel).conditioningFactor;
  const floor = (side: number): number => Math.max(factor, side - (side % factor));
  return { width: floor(size.width), height: floor(size.height) };
}
