import { ThimbleError } from '../errors.js';
import { Module } from '../graph/Module.js';
import { Linear } from '../graph/nn/Linear.js';
import { plainLayerNorm } from '../graph/nn/plainLayerNorm.js';
import { RMSNorm } from '../graph/nn/RMSNorm.js';
import {
  add,
  builderOf,
  concat,
  gather,
  mul,
  reshape,
  scale,
  silu,
  slice,
  split,
  transpose,
} from '../graph/operations.js';
import { Parameter } from '../graph/Parameter.js';
import { segment } from '../graph/segment.js';
import type { Value } from '../graph/Value.js';
import { ConfigReader, type ModelConfig } from '../fields/ConfigReader.js';
import { listedRotations, numberedRotations, type Rotation } from './blocks/rotaryAxes.js';
import { timestepFrequencies } from './blocks/TimestepEmbedding.js';
import { listed, numbered, together } from './blocks/samples.js';
import { type Grid, missing, TOKEN_MULTIPLE, zImageRotations } from './blocks/zImageRotations.js';
import { rowOf, type ZImageOptions, ZImageTransformerBlock } from './blocks/ZImageTransformerBlock.js';
import { loadPretrained, type LoadPretrainedOptions, type PretrainedModel } from './loadPretrained.js';
import { Model, type ModelEntry, type ModelInput } from './Model.js';

/** A batch of one call has no more captions than that. */
const MOST_SAMPLES = 64;

const FREQUENCIES = 256;
const TIME_INNER_WIDTH = 1024;
const MOST_TIME_WIDTH = 256;
const LAST_NORM_EPSILON = 1e-6;

class TimestepEmbedder extends Module {
  /** Index 1 is SiLU in Python. */
  readonly mlp: readonly [Linear, null, Linear];

  constructor(width: number) {
    super();
    this.mlp = [new Linear(FREQUENCIES, TIME_INNER_WIDTH), null, new Linear(TIME_INNER_WIDTH, width)];
  }

  forward(timestep: Value): Value {
    const projection = { channels: FREQUENCIES, flipSinToCos: true, frequencyShift: 0 };
    return this.mlp[2].forward(silu(this.mlp[0].forward(timestepFrequencies(timestep, projection))));
  }
}

class FinalLayer extends Module {
  readonly linear: Linear;
  /** Index 0 is SiLU in Python. */
  readonly adaLN_modulation: readonly [null, Linear];

  constructor(width: number, timeWidth: number, outWidth: number) {
    super();
    this.linear = new Linear(width, outWidth);
    this.adaLN_modulation = [null, new Linear(timeWidth, width)];
  }

  /** One sample, [1, tokens, width]. */
  forward(x: Value, temb: Value): Value {
    const change = this.adaLN_modulation[1].forward(silu(temb));
    const scaleBy = add(change, builderOf(x).constant('float32', [], [1]));
    return this.linear.forward(mul(plainLayerNorm(x, LAST_NORM_EPSILON), scaleBy));
  }
}

/** A module by the size of the patches that it is for, as an entry of `torch.nn.ModuleDict`. */
class ByPatch<M extends Module> extends Module {
  readonly #only: M;

  constructor(patch: number, module: M) {
    super();
    this.#only = module;
    // The key in the state dict is that of Python's dictionary: '2-1'.
    Object.assign(this, { [`${patch}-1`]: module });
  }

  override get pythonClass(): string {
    return 'ModuleDict';
  }

  get only(): M {
    return this.#only;
  }
}

/**
 * The transformer of Z-Image (source: diffusers models/transformers/transformer_z_image.py).
 *
 * `call({ x, t, 'cap_feats.0', 'cap_feats.1', … })`: latents float32 [n, c, 1, h, w] with h and w multiples of the patch size, (1000 - timestep) / 1000 as float32 [n] or [1], and
 * for each sample its caption's embeddings, float32 [tokens, cap_feat_dim], each of a length of its own → `sample` [n, c, 1, h, w], image minus noise.
 */
export class ZImageTransformer2DModel extends Model {
  static readonly componentName = 'transformer';
  readonly className = 'ZImageTransformer2DModel';
  override readonly skipLayerwiseCastingPatterns = ['t_embedder', 'cap_embedder'];
  readonly config: ModelConfig;
  readonly all_x_embedder: ByPatch<Linear>;
  readonly all_final_layer: ByPatch<FinalLayer>;
  readonly noise_refiner: readonly ZImageTransformerBlock[];
  readonly context_refiner: readonly ZImageTransformerBlock[];
  readonly t_embedder: TimestepEmbedder;
  readonly cap_embedder: readonly [RMSNorm, Linear];
  readonly x_pad_token: Parameter;
  readonly cap_pad_token: Parameter;
  readonly layers: readonly ZImageTransformerBlock[];
  readonly entries: Readonly<Record<string, ModelEntry>>;
  readonly #options: ZImageOptions;

  private constructor(config: ModelConfig, options: ZImageOptions) {
    super();
    const { width, timeWidth, patch, inChannels, captionWidth, epsilon } = options;
    const tokenWidth = patch * patch * inChannels;
    const blocks = (count: number, modulated: boolean): readonly ZImageTransformerBlock[] =>
      Array.from({ length: count }, () => new ZImageTransformerBlock(options, modulated));
    this.config = config;
    this.all_x_embedder = new ByPatch(patch, new Linear(tokenWidth, width));
    this.all_final_layer = new ByPatch(patch, new FinalLayer(width, timeWidth, tokenWidth));
    this.noise_refiner = blocks(options.refinerLayers, true);
    this.context_refiner = blocks(options.refinerLayers, false);
    this.t_embedder = new TimestepEmbedder(timeWidth);
    this.cap_embedder = [new RMSNorm(captionWidth, epsilon), new Linear(captionWidth, width)];
    this.x_pad_token = new Parameter([1, width]);
    this.cap_pad_token = new Parameter([1, width]);
    this.layers = blocks(options.layers, true);
    this.#options = options;
    this.entries = {
      call: {
        inputs: {
          x: { types: ['float32'], dims: ['batch', inChannels, 1, 'latentHeight', 'latentWidth'] },
          t: { types: ['float32'], dims: ['batch'] },
          ...captionInputs(captionWidth),
        },
        nominal: { latentHeight: 128, latentWidth: 128, 'tokens.0': TOKEN_MULTIPLE },
        outputs: ['sample'],
        forward: (inputs) => this.#forward(inputs),
      },
    };
  }

  /** Opens the weights of one in a checkpoint: a folder or a hub id. See {@link loadPretrained}. */
  static async fromPretrained(
    folderOrId: string,
    options: LoadPretrainedOptions = {},
  ): Promise<PretrainedModel<ZImageTransformer2DModel>> {
    return loadPretrained('ZImageTransformer2DModel', ZImageTransformer2DModel.fromConfig, folderOrId, options);
  }

  /** Throws ERR_CONFIG_UNSUPPORTED or ERR_CONFIG_INVALID naming the field. */
  static fromConfig(config: ModelConfig): ZImageTransformer2DModel {
    const reader = new ConfigReader('ZImageTransformer2DModel', config);
    reader.only('qk_norm', true);
    reader.only('siglip_feat_dim', null);
    const [patch = 2, ...morePatches] = reader.sizes('all_patch_size', undefined, [2]);
    if (morePatches.length > 0) reader.unsupported('all_patch_size', config['all_patch_size'], 'one size');
    const framePatches = reader.sizes('all_f_patch_size', undefined, [1]);
    if (framePatches.join() !== '1') reader.unsupported('all_f_patch_size', framePatches, '[1]');
    const [width, heads] = [reader.size('dim', 3840), reader.count('n_heads', 30)];
    const axes = reader.sizes('axes_dims', 3, [32, 48, 48]);
    const headSize = axes.reduce((a, b) => a + b, 0);
    if (width !== heads * headSize || axes.some((features) => features % 2 !== 0))
      reader.unsupported('axes_dims', axes, `even numbers with the sum dim / n_heads, ${width / heads}`);
    return new ZImageTransformer2DModel(config, {
      width,
      heads,
      axes,
      patch,
      layers: reader.count('n_layers', 30),
      refinerLayers: reader.count('n_refiner_layers', 2),
      inChannels: reader.size('in_channels', 16),
      captionWidth: reader.size('cap_feat_dim', 2560),
      timeWidth: Math.min(width, MOST_TIME_WIDTH),
      timeScale: reader.number('t_scale', 1000),
      epsilon: reader.number('norm_eps', 1e-5),
      rotaryBase: reader.number('rope_theta', 256),
    });
  }

  #forward(inputs: Readonly<Record<string, Value>>): Record<string, Value> {
    const { x, t } = inputs as { readonly x: Value; readonly t: Value };
    const captions = listed(CAPTIONS, inputs);
    const grid = this.#gridOf(x, captions);
    const { temb } = segment(this.t_embedder.path, { t }, (inner) => ({
      temb: this.t_embedder.forward(scale(inner.t, this.#options.timeScale)),
    }));
    const rotations = zImageRotations(captions, grid, { dims: this.#options.axes, base: this.#options.rotaryBase });
    const images = runBlocks(this.noise_refiner, this.#embedImages(x, grid), rotations.images, temb);
    const texts = runBlocks(this.context_refiner, this.#embedCaptions(captions), rotations.captions);
    const joint = segment('unified', { ...numbered('image', images), ...numbered('text', texts) }, (inner) =>
      numbered('x', pairwise(listed('image', inner), listed('text', inner), 1)),
    );
    return this.#unpatchify(runBlocks(this.layers, listed('x', joint), rotations.joint, temb), temb, grid);
  }

  /** @throws ERR_INPUT_INVALID for sides that no patches fit, or another number of captions than of samples */
  #gridOf(x: Value, captions: readonly Value[]): Grid {
    const { patch } = this.#options;
    const [n, , , height, width] = x.dims as readonly [number, number, number, number, number];
    const refuse = (input: string, got: string, expected: string): never => {
      throw new ThimbleError('ERR_INPUT_INVALID', { component: 'transformer', entry: 'call', input, got, expected });
    };
    if (height % patch !== 0 || width % patch !== 0)
      refuse('x', `[${x.dims.join(', ')}]`, `a height and a width that are multiples of ${patch}`);
    if (captions.length !== n) refuse(CAPTIONS, `${captions.length} captions`, `${n}, one for each sample of x`);
    const [rows, columns] = [height / patch, width / patch];
    return { rows, columns, padding: missing(rows * columns) };
  }

  /** Latents as tokens: inside one the row, the column, then the channel. */
  #embedImages(x: Value, { rows, columns, padding }: Grid): readonly Value[] {
    const { patch: p, inChannels: c } = this.#options;
    const { only: embedder } = this.all_x_embedder;
    const made = segment(embedder.path, { x }, (inner) => {
      const n = inner.x.dim(0);
      const pieces = transpose(reshape(inner.x, [n, c, rows, p, columns, p]), [0, 2, 4, 3, 5, 1]);
      const tokens = embedder.forward(reshape(pieces, [n, rows * columns, p * p * c]));
      const samples =
        n === 1
          ? [tokens]
          : split(
              tokens,
              counted(n, () => 1),
              0,
            );
      return numbered(
        'x',
        samples.map((sample) => filledUp(sample, this.x_pad_token, padding)),
      );
    });
    return listed('x', made);
  }

  #embedCaptions(captions: readonly Value[]): readonly Value[] {
    const [norm, linear] = this.cap_embedder;
    const made = segment('cap_embedder', numbered('caption', captions), (inner) => {
      const rows = listed('caption', inner).map((caption) => reshape(caption, [1, ...caption.dims]));
      const embedded = together(rows, (tokens) => linear.forward(norm.forward(tokens)));
      return numbered(
        'x',
        embedded.map((sample) => filledUp(sample, this.cap_pad_token, missing(sample.dim(1)))),
      );
    });
    return listed('x', made);
  }

  /** The tokens of the images alone, [1, tokens, width] each, become latents [n, c, 1, h, w]. */
  #unpatchify(samples: readonly Value[], temb: Value, { rows, columns }: Grid): Record<string, Value> {
    const { patch: p, inChannels: c } = this.#options;
    const { only: last } = this.all_final_layer;
    return segment(last.path, { temb, ...numbered('x', samples) }, ({ temb: time, ...inner }) => {
      const pictures = listed('x', inner).map((x, i) => {
        const tokens = last.forward(slice(x, 1, 0, rows * columns), rowOf(time, i));
        const pieces = transpose(reshape(tokens, [1, rows, columns, p, p, c]), [0, 5, 1, 3, 2, 4]);
        return reshape(pieces, [1, c, 1, rows * p, columns * p]);
      });
      return { sample: concat(pictures, 0) };
    });
  }
}

const CAPTIONS = 'cap_feats';

/** One for each sample of a call. */
function captionInputs(width: number): Record<string, ModelInput> {
  return Object.fromEntries(
    counted(MOST_SAMPLES, (sample) => [
      `${CAPTIONS}.${sample}`,
      { types: ['float32'], dims: [`tokens.${sample}`, width], sample, optional: sample > 0 },
    ]),
  );
}

/** Each block is a segment. */
function runBlocks(
  blocks: readonly ZImageTransformerBlock[],
  samples: readonly Value[],
  rotations: readonly Rotation[],
  temb?: Value,
): readonly Value[] {
  return blocks.reduce((tokens, block) => {
    const inputs = { ...numbered('x', tokens), ...numberedRotations('rotation', rotations) };
    const made = segment(block.path, { ...inputs, temb }, ({ temb: time, ...inner }) =>
      numbered('x', block.forward(listed('x', inner), listedRotations('rotation', inner), time)),
    );
    return listed('x', made);
  }, samples);
}

/** [1, tokens, width] with `count` tokens more, which are all the same. */
function filledUp(x: Value, token: Parameter, count: number): Value {
  if (count === 0) return x;
  const width = x.dim(2);
  const more = gather(
    token.in(x, [1, 1, width]),
    1,
    counted(count, () => 0),
  );
  return concat([x, more], 1);
}

function pairwise(first: readonly Value[], second: readonly Value[], axis: number): readonly Value[] {
  return first.map((value, i) => concat([value, second[i] as Value], axis));
}

function counted<T>(length: number, of: (i: number) => T): T[] {
  return Array.from({ length }, (_, i) => of(i));
}
