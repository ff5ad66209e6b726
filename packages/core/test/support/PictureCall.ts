import { Tensor } from 'onnxruntime-common';
import { Image } from '../../src/images/Image.js';
import type { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { createScheduler } from '../../src/schedulers/createScheduler.js';
import type { FixtureCase } from './FixtureCase.js';
import { RecordedNoise } from './RecordedNoise.js';
import { stackTensors } from './stackTensors.js';

/** Keyword arguments whose name in camelCase is no option. */
const OTHERWISE: Readonly<Record<string, unknown>> = {
  prompt: null,
  output_type: null,
  is_distilled: null,
  references: null,
  without_t5: null,
};

/** A recorded run of diffusers that begins with a picture, done again. */
export class PictureCall {
  readonly #pipe: DiffusionPipeline;
  readonly #fixture: FixtureCase;
  readonly #name: string;
  readonly #pack: (latents: Tensor) => Tensor;

  /** `pack` makes of latents what was recorded. */
  constructor(
    pipe: DiffusionPipeline,
    fixture: FixtureCase,
    name: string,
    pack: (latents: Tensor) => Tensor = (latents) => latents,
  ) {
    this.#pipe = pipe;
    this.#fixture = fixture;
    this.#name = name;
    this.#pack = pack;
  }

  /** How far each output is from diffusers', in its tolerance; and how many draws were left. `changed` are options in place of the recorded ones. */
  async run(changed: GenerateOptions = {}): Promise<Record<string, number>> {
    const { scheduler } = this.#fixture.call(this.#name);
    const own = this.#pipe.scheduler;
    if (scheduler !== undefined) this.#pipe.scheduler = createScheduler(String(scheduler['_class_name']), scheduler);
    try {
      return await this.#run(changed);
    } finally {
      this.#pipe.scheduler = own;
    }
  }

  async #run(changed: GenerateOptions): Promise<Record<string, number>> {
    const { args, out, draws = [] } = this.#fixture.call(this.#name);
    const generator = new RecordedNoise(await Promise.all(draws.map(async (draw) => this.#fixture.tensor(draw))));
    const options: GenerateOptions = {
      ...Object.fromEntries(Object.entries(args).flatMap(([key, value]) => optionOf(key, value))),
      ...(await this.pictures()),
      ...changed,
      generator,
      outputType: args['output_type'] === 'latent' ? 'latent' : 'image',
    };
    const trajectory: Tensor[] = [];
    const timesteps: number[] = [];
    const got: Record<string, Tensor> = {};
    for await (const event of this.#pipe.stream(args['prompt'] as string, options)) {
      if (event.type === 'step') {
        trajectory.push(this.#pack(await event.latents()));
        timesteps.push(event.timestep);
      }
      if (event.type !== 'done') continue;
      const { images } = event.result;
      if (Array.isArray(images)) got['image_u8'] = bytesOf(images);
      else got['images'] = this.#pack(images);
    }
    got['latents'] = stackTensors(trajectory);
    const whole = new Tensor('int64', BigInt64Array.from(timesteps.map((t) => BigInt(Math.trunc(t)))), [
      timesteps.length,
    ]);
    if (timesteps.every(Number.isInteger)) got['timesteps'] = whole;
    const measured = Object.entries(got).filter(([key]) => key in out);
    const excess: Record<string, number> = { 'draws left': generator.left };
    for (const [key, tensor] of measured) excess[key] = await this.#fixture.excess(this.#name, key, tensor);
    return excess;
  }

  /** The recorded pictures, as options. */
  async pictures(): Promise<Pick<GenerateOptions, 'image' | 'maskImage' | 'latents'>> {
    const {
      image,
      image_u8: bytes,
      mask_image: mask,
      mask_u8: levels,
      latents,
    } = await this.#fixture.inputs(this.#name);
    return {
      ...(image === undefined ? {} : { image }),
      ...(bytes === undefined ? {} : { image: imagesOf(bytes) }),
      ...(mask === undefined ? {} : { maskImage: mask }),
      ...(levels === undefined ? {} : { maskImage: imagesOf(levels) }),
      ...(latents === undefined ? {} : { latents }),
    };
  }
}

/** The pictures of bytes [n, height, width, 3], or [n, height, width]; a single one as such. */
export function imagesOf({ dims, data }: Tensor): Image | Image[] {
  const [count, height, width, channels = 1] = dims as [number, number, number, 3 | undefined];
  const size = height * width * channels;
  const images = Array.from({ length: count }, (_, i) => {
    const bytes = (data as Uint8Array).slice(i * size, (i + 1) * size);
    return new Image({ width, height, channels, data: bytes });
  });
  return count === 1 ? (images[0] as Image) : images;
}

function bytesOf(images: readonly Image[]): Tensor {
  const [{ width, height }] = images as readonly [Image, ...Image[]];
  const data = Uint8Array.from(images.flatMap((image) => [...image.data]));
  return new Tensor('uint8', data, [images.length, height, width, 3]);
}

function optionOf(key: string, value: unknown): [string, unknown][] {
  if (key in OTHERWISE || value === null) return [];
  return [[key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()), value]];
}
