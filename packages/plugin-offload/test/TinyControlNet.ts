import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PretrainedModel } from '@thimble/core';
import {
  Conv2d,
  loadPretrained,
  Model,
  type ModelConfig,
  type ModelEntry,
  segment,
  type Value,
} from '@thimble/core/model';
import { writeSafetensors } from '@thimble/core/plugin';

/** For each hidden state of the test checkpoint's UNet that its up path takes back, and for its mid block: channels, and how much smaller than the latents it is. */
const STATES = { channels: [8, 8, 8, 16, 16, 16, 16], strides: [1, 1, 2, 2, 4, 4, 4] };
const MID = 'mid_block_additional_residual';

/** A model that feeds a UNet as a ControlNet does, of one convolution for each residual: `call({ sample })` → the UNet's inputs for residuals. */
export class TinyControlNet extends Model {
  readonly className = 'TinyControlNet';
  readonly config: ModelConfig;
  readonly zero_convs: readonly Conv2d[];
  readonly entries: Readonly<Record<string, ModelEntry>>;

  constructor(config: ModelConfig) {
    super();
    this.config = config;
    this.zero_convs = STATES.channels.map((channels, i) => new Conv2d(4, channels, 1, { stride: STATES.strides[i]! }));
    const names = this.zero_convs.map((_, i) =>
      i === this.zero_convs.length - 1 ? MID : `down_block_additional_residuals.${i}`,
    );
    this.entries = {
      call: {
        inputs: { sample: { types: ['float32'], dims: ['batch', 4, 'height', 'width'] } },
        nominal: { height: 8, width: 8 },
        outputs: names,
        forward: ({ sample }) =>
          Object.fromEntries(this.zero_convs.map((conv, i) => [names[i] as string, runConv(conv, sample as Value)])),
      },
    };
  }

  static fromConfig(config: ModelConfig): TinyControlNet {
    return new TinyControlNet(config);
  }

  static fromPretrained(folder: string): Promise<PretrainedModel<TinyControlNet>> {
    return loadPretrained('TinyControlNet', TinyControlNet.fromConfig, folder, {});
  }
}

function runConv(conv: Conv2d, x: Value): Value {
  return segment(conv.path, { x }, (inner) => ({ x: conv.forward(inner.x) })).x;
}

/** A checkpoint of one, with sines of different phase as weights. */
export async function writeTinyControlNet(folder: string): Promise<void> {
  const config = { _class_name: 'TinyControlNet' };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const tensors = new TinyControlNet(config).parameters.map(({ key, shape }, phase) => {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + phase));
    return [key, { dtype: 'F32' as const, shape, data: new Uint8Array(values.buffer) }] as const;
  });
  await writeSafetensors(join(folder, 'diffusion_pytorch_model.safetensors'), Object.fromEntries(tensors));
}
