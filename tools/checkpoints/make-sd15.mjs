// node tools/checkpoints/make-sd15.mjs OUT_DIR [f16|f32]: a full-size Stable Diffusion 1.5 checkpoint in diffusers' layout with random weights,
// names and shapes of the real one. 2 GB in f16, 4 GB in f32.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makePool, writeRandomTensors } from './randomWeights.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const TOKENIZER = join(HERE, '../../packages/core/test/fixtures/sd-tiny/tokenizer');

/** Makes the checkpoint. */
export function makeSd15(out, dtype = 'f16') {
  const half = dtype === 'f16';
  const spec = JSON.parse(readFileSync(join(HERE, 'sd15.json'), 'utf8'));
  const pool = makePool();
  for (const [component, { file, tensors, config }] of Object.entries(spec.components)) {
    mkdirSync(join(out, component), { recursive: true });
    writeFileSync(join(out, component, 'config.json'), JSON.stringify(config, null, 2));
    writeRandomTensors(
      join(out, component, half ? file.replace('.safetensors', '.fp16.safetensors') : file),
      tensors,
      half ? 'F16' : 'F32',
      pool,
    );
  }
  for (const [path, text] of Object.entries(spec.files)) {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), text);
  }
  cpSync(TOKENIZER, join(out, 'tokenizer'), { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [out, dtype] = process.argv.slice(2);
  if (out === undefined) {
    console.error('usage: node tools/checkpoints/make-sd15.mjs OUT_DIR [f16|f32]');
    process.exit(2);
  }
  makeSd15(out, dtype);
  console.log(`made ${out}`);
}
