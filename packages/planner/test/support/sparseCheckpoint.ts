import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelRegistry, type ModelConfig } from '@thimble/core/model';

/** SD 1.5's own sizes; what is left out is diffusers' default. */
const SD15: Readonly<Record<string, ModelConfig>> = {
  text_encoder: {
    architectures: ['CLIPTextModel'],
    hidden_size: 768,
    intermediate_size: 3072,
    num_attention_heads: 12,
    num_hidden_layers: 12,
    hidden_act: 'quick_gelu',
    vocab_size: 49_408,
    max_position_embeddings: 77,
  },
  unet: {
    _class_name: 'UNet2DConditionModel',
    sample_size: 64,
    in_channels: 4,
    out_channels: 4,
    cross_attention_dim: 768,
    attention_head_dim: 8,
    block_out_channels: [320, 640, 1280, 1280],
    layers_per_block: 2,
  },
  vae: {
    _class_name: 'AutoencoderKL',
    sample_size: 512,
    latent_channels: 4,
    block_out_channels: [128, 256, 512, 512],
    down_block_types: Array.from({ length: 4 }, () => 'DownEncoderBlock2D'),
    up_block_types: Array.from({ length: 4 }, () => 'UpDecoderBlock2D'),
    layers_per_block: 2,
  },
};

const LIBRARIES: Readonly<Record<string, string>> = { text_encoder: 'transformers' };

/** Stable Diffusion 1.5 at full size, f16, of which only configs and headers are there: its files are long, and take no place on the disk. Gives its folder. */
export async function sparseCheckpoint(folder: string): Promise<string> {
  const index: Record<string, unknown> = {
    _class_name: 'StableDiffusionPipeline',
    scheduler: ['diffusers', 'DDIMScheduler'],
  };
  await mkdir(join(folder, 'scheduler'), { recursive: true });
  await writeFile(join(folder, 'scheduler', 'scheduler_config.json'), JSON.stringify({ _class_name: 'DDIMScheduler' }));
  for (const [name, config] of Object.entries(SD15)) {
    const { _class_name: own, architectures } = config as { _class_name?: string; architectures?: readonly string[] };
    const className = own ?? architectures?.[0] ?? '';
    index[name] = [LIBRARIES[name] ?? 'diffusers', className];
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'config.json'), JSON.stringify(config));
    const file = name === 'text_encoder' ? 'model.safetensors' : 'diffusion_pytorch_model.safetensors';
    await writeSparse(join(folder, name, file), className, config);
  }
  await writeFile(join(folder, 'model_index.json'), JSON.stringify(index));
  return folder;
}

async function writeSparse(path: string, className: string, config: ModelConfig): Promise<void> {
  const model = modelRegistry[className]?.fromConfig(config, className);
  let at = 0;
  const header: Record<string, unknown> = {};
  for (const { key, shape } of model?.parameters ?? []) {
    const bytes = 2 * shape.reduce((a, b) => a * b, 1);
    header[key] = { dtype: 'F16', shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await using file = await open(path, 'w');
  await file.write(Buffer.concat([length, text]));
  await file.truncate(8 + text.length + at);
}
