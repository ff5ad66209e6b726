import { closeSync, openSync, writeSync } from 'node:fs';

const POOL_SIZE = 2 ** 20;

/** Bell-shaped random numbers from a fixed seed; every tensor takes its values from here. */
export function makePool() {
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

/** float8_e4m3fn of every float32, by its upper 16 bits; rounded to nearest. */
const eighths = Uint8Array.from({ length: 2 ** 16 }, (_, upper) => {
  bits[0] = upper * 2 ** 16 + 2 ** 15;
  const size = Math.min(448, Math.abs(float[0]) || 0);
  const exponent = Math.max(-6, Math.floor(Math.log2(size || 2 ** -20)));
  const code = Math.round((size / 2 ** exponent) * 8) + (exponent + 6) * 8;
  return (upper >>> 15) * 128 + Math.min(126, code);
});

function toEighth(value) {
  float[0] = value;
  return eighths[bits[0] >>> 16];
}

const STORAGE = { F32: Float32Array, F16: Uint16Array, F8_E4M3: Uint8Array };
const ENCODERS = { F32: (value) => value, F16: toHalf, F8_E4M3: toEighth };

function makeHeader(tensors, dtype) {
  const header = {};
  let offset = 0;
  for (const [name, shape] of Object.entries(tensors)) {
    const end = offset + shape.reduce((a, b) => a * b, 1) * STORAGE[dtype].BYTES_PER_ELEMENT;
    header[name] = { dtype, shape, data_offsets: [offset, end] };
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

/** Writes tensors, name → shape, of random numbers as a safetensors file of F32, F16 or F8_E4M3. */
export function writeRandomTensors(path, tensors, dtype, pool) {
  const file = openSync(path, 'w');
  writeSync(file, makeHeader(tensors, dtype));
  const encode = ENCODERS[dtype];
  let start = 0;
  for (const [name, shape] of Object.entries(tensors)) {
    const count = shape.reduce((a, b) => a * b, 1);
    const { mean, scale } = scaleOf(name, shape, count);
    for (let at = 0; at < count; at += POOL_SIZE) {
      const data = new STORAGE[dtype](Math.min(POOL_SIZE, count - at));
      start = (start + 7919) % (POOL_SIZE - 1);
      for (let i = 0; i < data.length; i++) {
        const value = mean + pool[(i + start) % POOL_SIZE] * scale;
        data[i] = encode(value);
      }
      writeSync(file, Buffer.from(data.buffer));
    }
  }
  closeSync(file);
}
