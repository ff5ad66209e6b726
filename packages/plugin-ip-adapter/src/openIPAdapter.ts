import type { PretrainedModel } from '@thimble/core';
import { type Model, resolveModel, type ResolveModelOptions } from '@thimble/core/model';
import { openTensorFile, type TensorFile, type TensorView } from '@thimble/core/plugin';
import { ImageProjection } from './ImageProjection.js';
import { IPAdapterError } from './IPAdapterError.js';
import { HEAD_WIDTH, IPAdapterPlusImageProjection } from './IPAdapterPlusImageProjection.js';

/** Keys and values that a cross-attention makes of a picture's tokens: [width, crossAttentionDim]. */
export interface ImageKeys {
  readonly key: TensorView;
  readonly value: TensorView;
}

/** An IP-Adapter's file. */
export interface IPAdapterFile {
  /** Its path. */
  readonly file: string;
  /** Whether it is given all that the image encoder sees, and not one embedding. */
  readonly plus: boolean;
  /** Channels of what it is given. */
  readonly embedDim: number;
  readonly projection: PretrainedModel;
  /** Of the cross-attentions, in the file's order: those of the way down, up, and of the middle. */
  readonly layers: readonly ImageKeys[];
}

const LAYER = /^ip_adapter\.(\d+)\.to_k_ip\.weight$/;

/** What other kinds of adapters have. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^image_proj\.perceiver_resampler\./, 'it is for faces (FaceID Plus), whose embeddings another model makes'],
  [/^image_proj\.proj\.3\./, 'it is for whole faces (full face)'],
  [/^image_proj\.proj\.[02]\./, 'it is for faces (FaceID), whose embeddings another model makes'],
  [/\.to_k_lora\.|\.to_q_lora\./, 'it holds LoRAs (FaceID)'],
];

/**
 * Opens an IP-Adapter: a file with `image_proj.…` and `ip_adapter.N.…`, plain or Plus, of Stable Diffusion 1 or XL (source: diffusers loaders/ip_adapter.py, loaders/unet.py).
 *
 * @param model a path, or a file on the hub, `owner/name:path`
 * @throws IPAdapterError ERR_IP_ADAPTER_FILE; what resolving and opening a file throw
 */
export async function openIPAdapter(model: string, options: ResolveModelOptions = {}): Promise<IPAdapterFile> {
  const { folder, file } = await resolveModel(model, options);
  if (file === undefined)
    throw new IPAdapterError('ERR_IP_ADAPTER_FILE', {
      file: folder,
      problem: 'it is a folder; name the file in it, such as ip-adapter_sd15.safetensors',
    });
  const opened = await openTensorFile(file);
  const layers = layersOf(opened);
  return { file: opened.path, layers, ...projectionOf(opened) };
}

function layersOf({ path, tensors }: TensorFile): readonly ImageKeys[] {
  const numbers = Array.from(tensors.keys(), (name) => LAYER.exec(name)?.[1]).filter((number) => number !== undefined);
  if (numbers.length === 0)
    throw new IPAdapterError('ERR_IP_ADAPTER_FILE', {
      file: path,
      problem: 'it has no tensors called ip_adapter.N.to_k_ip.weight',
    });
  return numbers
    .map(Number)
    .toSorted((a, b) => a - b)
    .map((number) => ({
      key: find(path, tensors, `ip_adapter.${number}.to_k_ip.weight`),
      value: find(path, tensors, `ip_adapter.${number}.to_v_ip.weight`),
    }));
}

function projectionOf(opened: TensorFile): Pick<IPAdapterFile, 'plus' | 'embedDim' | 'projection'> {
  const { path, tensors } = opened;
  for (const [pattern, problem] of OTHER_KINDS)
    if ([...tensors.keys()].some((name) => pattern.test(name)))
      throw new IPAdapterError('ERR_IP_ADAPTER_FILE', { file: path, problem });
  const sizes = (name: string): readonly [number, number] => {
    const [rows = 1, columns = 1] = find(path, tensors, `image_proj.${name}`).shape;
    return [rows, columns];
  };
  if (tensors.has('image_proj.proj.weight')) {
    const [rows, embedDim] = sizes('proj.weight');
    const [crossAttentionDim] = sizes('norm.weight');
    const model = new ImageProjection({ embedDim, crossAttentionDim, tokens: rows / crossAttentionDim });
    return { plus: false, embedDim, projection: pretrained(model, opened) };
  }
  const [, tokens, width] = find(path, tensors, 'image_proj.latents').shape as readonly [number, number, number];
  const [, embedDim] = sizes('proj_in.weight');
  const [innerWidth] = sizes('layers.0.0.to_q.weight');
  if (innerWidth % HEAD_WIDTH !== 0)
    throw new IPAdapterError('ERR_IP_ADAPTER_FILE', {
      file: path,
      problem: `its queries have ${innerWidth} channels, no multiple of ${HEAD_WIDTH}`,
    });
  const [feedForwardWidth] = sizes('layers.0.1.1.weight');
  const [crossAttentionDim] = sizes('proj_out.weight');
  const layers = Array.from(tensors.keys()).filter((name) =>
    /^image_proj\.layers\.\d+\.0\.to_q\.weight$/.test(name),
  ).length;
  const model = new IPAdapterPlusImageProjection({
    embedDim,
    width,
    innerWidth,
    feedForwardWidth,
    crossAttentionDim,
    tokens,
    layers,
  });
  return { plus: true, embedDim, projection: pretrained(model, opened) };
}

function pretrained(model: Model, { path, tensors }: TensorFile): PretrainedModel {
  const own = new Map([...tensors].filter(([name]) => name.startsWith('image_proj.')));
  const byteLength = [...own.values()].reduce((sum, view) => sum + view.byteLength, 0);
  return { model, checkpoint: { folder: path, config: model.config, tensors: own, files: [path], byteLength } };
}

function find(file: string, tensors: ReadonlyMap<string, TensorView>, name: string): TensorView {
  const view = tensors.get(name);
  if (view !== undefined) return view;
  throw new IPAdapterError('ERR_IP_ADAPTER_FILE', { file, problem: `it has no tensor ${name}` });
}
