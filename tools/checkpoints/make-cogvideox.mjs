// node tools/checkpoints/make-cogvideox.mjs OUT_DIR [2b|5b] [f8|f16|f32] [LAYERS]: a full-size CogVideoX transformer with random weights, names and
// shapes of the real one. 2b: 3.4 GB in f16, 1.7 GB in f8. LAYERS makes one with fewer blocks.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CogVideoXTransformer3DModel } from '../../packages/core/dist/index.js';
import { makePool, writeRandomTensors } from './randomWeights.mjs';

const COMMON = {
  _class_name: 'CogVideoXTransformer3DModel',
  activation_fn: 'gelu-approximate',
  attention_bias: true,
  attention_head_dim: 64,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 16,
  max_text_seq_length: 226,
  norm_elementwise_affine: true,
  norm_eps: 1e-5,
  out_channels: 16,
  patch_size: 2,
  sample_frames: 49,
  sample_height: 60,
  sample_width: 90,
  spatial_interpolation_scale: 1.875,
  temporal_compression_ratio: 4,
  temporal_interpolation_scale: 1,
  text_embed_dim: 4096,
  time_embed_dim: 512,
  timestep_activation_fn: 'silu',
};
const SIZES = {
  '2b': { num_attention_heads: 30, num_layers: 30, use_rotary_positional_embeddings: false },
  '5b': { num_attention_heads: 48, num_layers: 42, use_rotary_positional_embeddings: true },
};
const DTYPES = { f8: 'F8_E4M3', f16: 'F16', f32: 'F32' };

/** Makes the transformer's folder, `config.json` and one file of weights. Norms and patch_embed stay in f16 beside f8, as layerwise casting leaves them. */
export function makeCogVideoX(out, size = '2b', dtype = 'f16', layers = SIZES[size].num_layers) {
  const config = { ...COMMON, ...SIZES[size], num_layers: layers };
  const { parameters } = CogVideoXTransformer3DModel.fromConfig(config);
  const pool = makePool();
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'config.json'), JSON.stringify(config, null, 2));
  const shapes = (wanted) =>
    Object.fromEntries(parameters.filter(({ key }) => wanted(key)).map(({ key, shape }) => [key, shape]));
  const isSkipped = (key) => /patch_embed|norm/.test(key);
  if (dtype !== 'f8') {
    writeRandomTensors(
      join(out, 'diffusion_pytorch_model.safetensors'),
      shapes(() => true),
      DTYPES[dtype],
      pool,
    );
    return;
  }
  const shards = {
    'diffusion_pytorch_model-00001-of-00002.safetensors': ['F8_E4M3', shapes((key) => !isSkipped(key))],
    'diffusion_pytorch_model-00002-of-00002.safetensors': ['F16', shapes(isSkipped)],
  };
  const weightMap = Object.entries(shards).flatMap(([file, [, tensors]]) =>
    Object.keys(tensors).map((key) => [key, file]),
  );
  for (const [file, [type, tensors]] of Object.entries(shards))
    writeRandomTensors(join(out, file), tensors, type, pool);
  writeFileSync(
    join(out, 'diffusion_pytorch_model.safetensors.index.json'),
    JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(weightMap) }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [out, size, dtype, layers] = process.argv.slice(2);
  if (out === undefined || (size !== undefined && !(size in SIZES)) || (dtype !== undefined && !(dtype in DTYPES))) {
    console.error('usage: node tools/checkpoints/make-cogvideox.mjs OUT_DIR [2b|5b] [f8|f16|f32] [LAYERS]');
    process.exit(2);
  }
  makeCogVideoX(out, size, dtype, layers === undefined ? undefined : Number(layers));
  console.log(`made ${out}`);
}
