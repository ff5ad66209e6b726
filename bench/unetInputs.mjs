import { Tensor, TorchGenerator } from '../packages/core/dist/index.js';

/** Inputs of SD 1.5's UNet; 64×64 latents are a picture of 512×512. */
export function unetInputs(batch, { width = 64, height = 64 } = {}) {
  const generator = new TorchGenerator(0);
  return {
    sample: generator.randn([batch, 4, height, width]),
    timestep: new Tensor('int64', BigInt64Array.of(500n), [1]),
    encoder_hidden_states: generator.randn([batch, 77, 768]),
  };
}

/** Inputs of SDXL's UNet for a picture of 1024×1024. */
export function sdxlUnetInputs() {
  const generator = new TorchGenerator(0);
  return {
    sample: generator.randn([1, 4, 128, 128]),
    timestep: new Tensor('int64', BigInt64Array.of(500n), [1]),
    encoder_hidden_states: generator.randn([1, 77, 2048]),
    text_embeds: generator.randn([1, 1280]),
    time_ids: new Tensor('float32', Float32Array.of(1024, 1024, 0, 0, 1024, 1024), [1, 6]),
  };
}
