import { Conv2d, Module, silu, type Value } from '@thimble/core/model';

/** Makes of a picture what is added to a sample of latents: convolutions, of which every second one halves the sides (source: diffusers models/controlnets/controlnet.py). */
export class ControlNetConditioningEmbedding extends Module {
  readonly conv_in: Conv2d;
  readonly blocks: readonly Conv2d[];
  readonly conv_out: Conv2d;

  /** `channels`: of each level, from the picture's end. */
  constructor(conditioningChannels: number, channels: readonly number[], outChannels: number) {
    super();
    const padding = 1;
    this.conv_in = new Conv2d(conditioningChannels, channels[0] as number, 3, { padding });
    this.blocks = channels
      .slice(1)
      .flatMap((next, i) => [
        new Conv2d(channels[i] as number, channels[i] as number, 3, { padding }),
        new Conv2d(channels[i] as number, next, 3, { padding, stride: 2 }),
      ]);
    this.conv_out = new Conv2d(channels.at(-1) as number, outChannels, 3, { padding });
  }

  forward(x: Value): Value {
    const layers = [this.conv_in, ...this.blocks];
    return this.conv_out.forward(layers.reduce((h, layer) => silu(layer.forward(h)), x));
  }
}
