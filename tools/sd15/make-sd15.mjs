// node tools/sd15/make-sd15.mjs OUT_DIR [f16|f32]: a full-size Stable Diffusion 1.5 checkpoint in diffusers' layout with random weights,
// names and shapes of the real one. 2 GB in f16, 4 GB in f32.
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const TOKENIZER = join(HERE, '../../packages/core/test/fixtures/sd-tiny/tokenizer');
const POOL_SIZE = 2 ** 20;

/** Bell-shaped random numbers from a fixed seed; every tensor takes its values from here. */
function makePool() {
  let state = 1234567;
  const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  return Float32Array.from({ length: POOL_SIZE }, () => uniform() + uniform() + uniform() + uniform());
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Truncates to half precision; what is too small becomes zero. */
function toHalf(value) {
  float[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const exponent = ((bits[0] >>> 23) & 255) - 112;
  if (exponent <= 0) return sign;
  return exponent > 30 ? sign | 0x7bff : sign | (exponent << 10) | ((bits[0] & 0x7fffff) >>> 13);
}

function makeHeader(tensors, half) {
  const header = {};
  let offset = 0;
  for (const [name, shape] of Object.entries(tensors)) {
    const end = offset + shape.reduce((a, b) => a * b, 1) * (half ? 2 : 4);
    header[name] = { dtype: half ? 'F16' : 'F32', shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded]);
}

/** Norms are near one, biases near zero, matrices scaled by their fan-in, so that activations keep their size. */
function scaleOf(name, shape, count) {
  const gain = shape.length === 1 && /norm/.test(name) && name.endsWith('weight');
  return { mean: gain ? 1 : 0, scale: shape.length > 1 ? 0.85 / Math.sqrt(count / shape[0]) : 0.02 };
}

function writeTensors(path, tensors, half, pool) {
  const file = openSync(path, 'w');
  writeSync(file, makeHeader(tensors, half));
  let start = 0;
  for (const [name, shape] of Object.entries(tensors)) {
    const count = shape.reduce((a, b) => a * b, 1);
    const { mean, scale } = scaleOf(name, shape, count);
    for (let at = 0; at < count; at += POOL_SIZE) {
      const data = new (half ? Uint16Array : Float32Array)(Math.min(POOL_SIZE, count - at));
      start = (start + 7919) % (POOL_SIZE - 1);
      for (let i = 0; i < data.length; i++) {
        const value = mean + pool[(i + start) % POOL_SIZE] * scale;
        data[i] = half ? toHalf(value) : value;
      }
      writeSync(file, Buffer.from(data.buffer));
    }
  }
  closeSync(file);
}

/** Makes the checkpoint. */
export function makeSd15(out, dtype = 'f16') {
  const half = dtype === 'f16';
  const spec = JSON.parse(readFileSync(join(HERE, 'sd15.json'), 'utf8'));
  const pool = makePool();
  for (const [component, { file, tensors, config }] of Object.entries(spec.components)) {
    mkdirSync(join(out, component), { recursive: true });
    writeFileSync(join(out, component, 'config.json'), JSON.stringify(config, null, 2));
    writeTensors(join(out, component, half ? file.replace('.safetensors', '.fp16.safetensors') : file), tensors, half, pool);
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
    console.error('usage: node tools/sd15/make-sd15.mjs OUT_DIR [f16|f32]');
    process.exit(2);
  }
  makeSd15(out, dtype);
  console.log(`made ${out}`);
}
