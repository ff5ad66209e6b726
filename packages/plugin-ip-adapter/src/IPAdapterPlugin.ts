import { dirname, join } from 'node:path';
import { type ImageInput, type Plugin, Tensor } from '@thimble/core';
import { numberField, optional, type OptionsOf, required, textField } from '@thimble/core/model';
import {
  ADDED_CALLS,
  type ComponentHandle,
  type GraphContext,
  imageField,
  type InputPictures,
  type NamedStage,
  OPTIONS,
  type PluginContext,
  readOptions,
  refuseOption,
  type RunContext,
} from '@thimble/core/plugin';
import { attendToImage, SCALE, TOKENS } from './attendToImage.js';
import { CLIPVisionModelWithProjection } from './CLIPVisionModelWithProjection.js';
import { ImageEmbedder, type ImageTokens, tokensOfBatch } from './ImageEmbedder.js';
import { IPAdapterError } from './IPAdapterError.js';
import { layersByAttention } from './layersByAttention.js';
import { ipAdapterRunOptions } from './ipAdapterRunOptions.js';
import { type IPAdapterFile, openIPAdapter } from './openIPAdapter.js';

/** The names that its models have in a pipeline. */
const ENCODER = 'ip_adapter_image_encoder';
const PROJECTION = 'ip_adapter_image_projection';

const ADAPTERS: NamedStage = { name: 'adapters', before: ['storage', 'attention', 'layout', 'int8', 'tracing'] };

const FIELDS = {
  /** The adapter: the path of a `.safetensors` file, or a file on the hub, `owner/name:path`. */
  model: required(textField('', 'the path of a file, or a file on the hub, "owner/name:path"', 1)),
  /** CLIP's image encoder, with which the adapter was trained: a folder, or a hub id. Default: the folder `image_encoder` beside the file. */
  imageEncoder: optional(textField('', 'a folder, or a hub id', 1)),
  /** How much pictures count where a run does not say it, diffusers' `set_ip_adapter_scale`; 0 is not at all. */
  scale: numberField(1),
  /** The pictures of runs that give none. */
  image: imageField('an Image, a path, the bytes of a picture, or a float32 Tensor [n, 3, height, width]'),
};

/** Options of an {@link IPAdapterPlugin}. */
export type IPAdapterOptions = OptionsOf<typeof FIELDS>;

/** What an adapter has in one pipeline. */
interface Installed {
  readonly adapter: IPAdapterFile;
  readonly embedder: ImageEmbedder;
}

/**
 * IP-Adapter: a picture as a prompt beside the text. A run takes it as `ipAdapterImage`, an `Image`, a path, the bytes of a file or a tensor; several are seen together. A run without one is what it is
 * without the plugin. For UNets with cross-attention: Stable Diffusion 1.5 and XL, plain adapters and Plus.
 *
 * Source: H. Ye et al., "IP-Adapter: Text Compatible Image Prompt Adapter for Text-to-Image Diffusion Models", 2023; diffusers loaders/ip_adapter.py.
 */
export class IPAdapterPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:ip-adapter';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #model: string;
  readonly #imageEncoder: string;
  readonly #scale: number;
  readonly #image: ImageInput | readonly ImageInput[] | undefined;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
  constructor(options: IPAdapterOptions) {
    const { model, imageEncoder, scale, image } = readOptions(options, FIELDS, 'IPAdapterPlugin');
    this.#model = model;
    this.#imageEncoder = imageEncoder ?? join(dirname(model), 'image_encoder');
    this.#scale = scale;
    this.#image = image;
  }

  async apply(context: PluginContext): Promise<void> {
    const { hooks, pipeline, provide } = context;
    const adapter = await openIPAdapter(this.#model);
    const encoder = await CLIPVisionModelWithProjection.fromPretrained(this.#imageEncoder);
    checkEncoder(adapter, encoder.model, this.#imageEncoder);
    const embedder = new ImageEmbedder({
      plus: adapter.plus,
      encoder: await pipeline.open(ENCODER, encoder),
      projection: await pipeline.open(PROJECTION, adapter.projection),
    });
    provide(ADDED_CALLS, { component: ENCODER, entry: 'call' });
    const layers = new WeakMap<object, ReturnType<typeof layersByAttention>>();
    const layersOf = (model: GraphContext['model']): ReturnType<typeof layersByAttention> => {
      const known = layers.get(model) ?? layersByAttention(model, adapter);
      layers.set(model, known);
      return known;
    };
    provide(
      OPTIONS,
      ipAdapterRunOptions({ image: this.#image, scale: this.#scale }, (option) => {
        const { unet } = pipeline.components;
        if (unet === undefined) refuseOption(option, 'given', 'a pipeline with a UNet, such as Stable Diffusion');
        layersOf(unet.model);
      }),
    );
    // One order, whichever was installed first, so that graphs are the same.
    hooks.transformGraph.tap(
      { name: this.name, stage: ADAPTERS, after: 'thimble:lora' },
      (graph, { component, model }) =>
        component === 'unet' ? attendToImage(graph, (attention) => layersOf(model).get(attention)) : undefined,
    );
    const state = Symbol(this.name);
    hooks.beforeRun.tap(this.name, async (run) => {
      const tokens = await tokensOf(run, { adapter, embedder }, pipeline.components['unet']);
      if (tokens !== undefined) run.state.set(state, tokens);
    });
    hooks.beforeModelCall.tap(this.name, (call) => {
      const tokens = call.run?.state.get(state) as ImageTokens | undefined;
      const { sample } = call.inputs;
      if (tokens === undefined || sample === undefined || call.component !== 'unet') return;
      const scale = new Tensor('float32', Float32Array.of(Number(call.run?.options['ipAdapterScale'])), [1]);
      call.inputs = { ...call.inputs, [TOKENS]: tokensOfBatch(tokens, sample.dims[0] as number), [SCALE]: scale };
    });
  }
}

/** The tokens of a run's pictures; none where it has none. */
async function tokensOf(
  run: RunContext,
  { embedder }: Installed,
  unet: ComponentHandle | undefined,
): Promise<ImageTokens | undefined> {
  const {
    ipAdapterImage: pictures,
    ipAdapterImageEmbeds: embeds,
    guidanceScale,
  } = run.options as {
    readonly ipAdapterImage?: InputPictures;
    readonly ipAdapterImageEmbeds?: Tensor;
    readonly guidanceScale?: number;
  };
  const guided = Number(guidanceScale) > 1 && unet?.config['time_cond_proj_dim'] == null;
  if (embeds !== undefined) return embedder.ofEmbeds(embeds, guided, run);
  return pictures === undefined ? undefined : embedder.ofPictures(pictures, guided, run);
}

/** @throws IPAdapterError ERR_IP_ADAPTER_ENCODER for one whose embeddings have another width */
function checkEncoder(
  { file, plus, embedDim }: IPAdapterFile,
  { config }: CLIPVisionModelWithProjection,
  encoder: string,
): void {
  const got = Number(config[plus ? 'hidden_size' : 'projection_dim'] ?? (plus ? 768 : 512));
  if (got !== embedDim) throw new IPAdapterError('ERR_IP_ADAPTER_ENCODER', { file, encoder, got, expected: embedDim });
}
