import { type TensorToWrite, writeSafetensors } from '@thimble/core/plugin';

/** Layers of the test kit's UNet and text encoder, with what goes in and out: a linear layer, one whose halves are used apart, a convolution. */
const LAYERS: Readonly<Record<string, readonly [down: readonly number[], up: readonly number[]]>> = {
  lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q: [
    [2, 16],
    [16, 2],
  ],
  lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_0_proj: [
    [2, 16],
    [128, 2],
  ],
  lora_unet_mid_block_resnets_0_conv1: [
    [2, 16, 3, 3],
    [16, 2, 1, 1],
  ],
  lora_te_text_model_encoder_layers_0_self_attn_q_proj: [
    [2, 16],
    [16, 2],
  ],
};

/** Writes a LoRA for the test kit's checkpoint that changes its pictures a little. */
export async function writeTinyLora(path: string): Promise<void> {
  const tensors = new Map<string, TensorToWrite>();
  for (const [layer, shapes] of Object.entries(LAYERS))
    for (const [at, shape] of shapes.entries()) {
      const values = Float32Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        (_, i) => 0.12 * Math.sin(7 * i + at),
      );
      const data = new Uint8Array(values.buffer);
      tensors.set(`${layer}.lora_${at === 0 ? 'down' : 'up'}.weight`, { dtype: 'F32', shape, data });
    }
  await writeSafetensors(path, tensors);
}
