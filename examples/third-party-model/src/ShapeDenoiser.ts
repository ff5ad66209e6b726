import {
  add,
  builderOf,
  ConfigReader,
  Conv2d,
  Embedding,
  Model,
  type ModelConfig,
  type ModelEntry,
  Module,
  mul,
  reshape,
  segment,
  upscaleNearest,
  type Value,
} from '@thimble/core/model';

const CHANNELS = 3;

/** What words look like: each has a shape on a coarse grid and a colour, and those of a prompt add up. */
class Painter extends Module {
  readonly shape: Embedding;
  readonly colour: Embedding;
  readonly #grid: number;

  constructor(words: number, grid: number) {
    super();
    this.shape = new Embedding(words, grid * grid);
    this.colour = new Embedding(words, CHANNELS);
    this.#grid = grid;
  }

  /** int64 [n, tokens] → [n, 3, grid, grid] */
  forward(ids: Value): Value {
    const n = ids.dim(0);
    const shape = reshape(sumOfTokens(this.shape.forward(ids)), [n, 1, this.#grid, this.#grid]);
    const colour = reshape(sumOfTokens(this.colour.forward(ids)), [n, CHANNELS, 1, 1]);
    return mul(shape, colour);
  }
}

/** Paint on the canvas with soft edges, and a grain of what was there before. */
class Canvas extends Module {
  readonly soften: Conv2d;
  readonly grain: Conv2d;
  readonly #factor: number;

  constructor(factor: number) {
    super();
    this.soften = new Conv2d(CHANNELS, CHANNELS, 3, { padding: 1 });
    this.grain = new Conv2d(CHANNELS, CHANNELS, 1);
    this.#factor = factor;
  }

  forward(paint: Value, sample: Value): Value {
    return add(this.soften.forward(upscaleNearest(paint, this.#factor)), this.grain.forward(sample));
  }
}

/**
 * Says what picture a noisy one will be (`prediction_type` "sample"). An architecture of its own: state-dict keys come from the properties' names, and each
 * `segment` is a graph that plugins can load and unload by itself.
 *
 * `call({ sample, input_ids })` → `sample` [n, 3, size, size]; `sample` is float32 of that shape, `input_ids` int64 [n, tokens].
 */
export class ShapeDenoiser extends Model {
  static readonly componentName = 'denoiser';
  readonly className = 'ShapeDenoiser';
  readonly config: ModelConfig;
  readonly painter: Painter;
  readonly canvas: Canvas;
  readonly entries: Readonly<Record<string, ModelEntry>>;

  private constructor(config: ModelConfig, words: number, size: number, grid: number) {
    super();
    this.config = config;
    this.painter = new Painter(words, grid);
    this.canvas = new Canvas(size / grid);
    const inputs: ModelEntry['inputs'] = {
      sample: { types: ['float32'], dims: ['batch', CHANNELS, size, size] },
      input_ids: { types: ['int64'], dims: ['batch', 'tokens'] },
    };
    this.entries = { call: { inputs, nominal: {}, outputs: ['sample'], forward: (given) => this.#forward(given) } };
  }

  /** @throws ERR_CONFIG_INVALID, ERR_CONFIG_UNSUPPORTED naming the field */
  static fromConfig(config: ModelConfig): ShapeDenoiser {
    const reader = new ConfigReader('ShapeDenoiser', config);
    const [size, grid] = [reader.size('sample_size'), reader.size('grid_size')];
    if (size % grid !== 0) reader.unsupported('grid_size', grid, `divisors of sample_size ${size}`);
    return new ShapeDenoiser(config, reader.size('vocab_size'), size, grid);
  }

  #forward({ sample, input_ids }: Readonly<Record<string, Value>>): Record<string, Value> {
    const { painter, canvas } = this;
    const { paint } = segment(painter.path, { ids: input_ids as Value }, ({ ids }) => ({
      paint: painter.forward(ids),
    }));
    return segment(canvas.path, { paint: paint as Value, sample: sample as Value }, (inner) => ({
      sample: canvas.forward(inner.paint, inner.sample),
    }));
  }
}

/** [n, tokens, features] → [n, features]. Any operator of ONNX can be emitted by its name. */
function sumOfTokens(x: Value): Value {
  const builder = builderOf(x);
  const axis = builder.constant('int64', [1], [1]);
  return builder.emit('ReduceSum', [x, axis], { dims: [x.dim(0), x.dim(2)] }, { keepdims: { int: 0 } });
}
