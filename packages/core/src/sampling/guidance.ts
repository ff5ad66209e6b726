import { refuseOption } from '../fields/refuseOption.js';
import { checkMembers } from '../fields/checkMembers.js';
import { checkInteger, checkNumber } from '../fields/checkNumber.js';
import { Tensor } from 'onnxruntime-common';
import { concatBatch, splitBatch } from '../execution/batch.js';

/** Classifier-free guidance: `without + scale · (with − without)`, for [n, …] each (arXiv 2207.12598). */
export function guide(without: Tensor, withPrompt: Tensor, scale: number): Tensor {
  const [a, b] = [without.data as Float32Array, withPrompt.data as Float32Array];
  return new Tensor(
    'float32',
    Float32Array.from(a, (u, i) => u + Math.fround(scale * Math.fround((b[i] as number) - u))),
    without.dims,
  );
}

/**
 * Brings the standard deviation of a guided prediction, per sample, towards that of the prediction with the prompt, by the share
 * `rescale` (arXiv 2305.08891, section 3.4).
 */
export function rescaleGuidance(guided: Tensor, withPrompt: Tensor, rescale: number): Tensor {
  const [a, b] = [guided.data as Float32Array, withPrompt.data as Float32Array];
  const out = new Float32Array(a.length);
  const size = a.length / (guided.dims[0] as number);
  for (let start = 0; start < a.length; start += size) {
    const factor = deviation(b.subarray(start, start + size)) / deviation(a.subarray(start, start + size));
    for (let i = start; i < start + size; i++)
      out[i] = rescale * (a[i] as number) * factor + (1 - rescale) * (a[i] as number);
  }
  return new Tensor('float32', out, guided.dims);
}

/** Sample standard deviation, with n − 1, as torch's `std`. */
function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1));
}

/** More pictures than a run makes, and wider than any embedding. */
const MOST_SIZE = 2 ** 16;

/**
 * Scales guided predictions down, each sample of its own, whose norm is more than `factor` times that of the prediction with the prompt (source: diffusers
 * pipelines/z_image/pipeline_z_image.py, `cfg_normalization`).
 */
export function limitNorm(guided: Tensor, withPrompt: Tensor, factor: number): Tensor {
  const [a, b] = [guided.data as Float32Array, withPrompt.data as Float32Array];
  const out = a.slice();
  const size = a.length / (guided.dims[0] as number);
  for (let start = 0; start < a.length; start += size) {
    const [norm, most] = [a, b].map((values) => normOf(values.subarray(start, start + size))) as [number, number];
    if (norm <= most * factor) continue;
    for (let i = start; i < start + size; i++) out[i] = (a[i] as number) * ((most * factor) / norm);
  }
  return new Tensor('float32', out, guided.dims);
}

/** The Euclidean norm of all values. */
function normOf(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
}

/**
 * The embedding of the guidance scale for models distilled with it (LCM): [n, width] of sin and cos of 1000 · (scale − 1) at
 * falling frequencies (source: diffusers `get_guidance_scale_embedding`).
 */
export function guidanceEmbedding(scale: number, count: number, width: number): Tensor {
  checkNumber('scale', scale);
  for (const [name, size] of Object.entries({ count, width })) checkInteger(name, size, 1, MOST_SIZE);
  const half = Math.floor(width / 2);
  const angles = Array.from(
    { length: half },
    (_, i) => 1000 * (scale - 1) * Math.exp((-Math.log(10000) * i) / (half - 1)),
  );
  const row = [...angles.map(Math.sin), ...angles.map(Math.cos), ...(width % 2 === 1 ? [0] : [])];
  return new Tensor(
    'float32',
    Float32Array.from({ length: count * width }, (_, i) => row[i % width] as number),
    [count, width],
  );
}

/** How a prediction is guided. */
export interface Guidance {
  /** Whether the embeddings hold those of the negative prompts first, so that the model is asked for both at once. */
  readonly guided: boolean;
  readonly scale: number;
  /** Default 0. */
  readonly rescale?: number;
}

/** Asks `model` for a prediction of [n, …]; with guidance for [2n, …], without the prompt and with it, as one call. */
export async function predictGuided(
  latents: Tensor,
  guidance: Guidance,
  model: (batch: Tensor) => Promise<Tensor>,
): Promise<Tensor> {
  checkMembers('latents', latents, 'a tensor', ['dims', 'data']);
  if (typeof model !== 'function') refuseOption('model', model, 'a function');
  checkMembers('guidance', guidance, '{ guided, scale }', ['guided', 'scale']);
  const { guided, scale, rescale = 0 } = guidance;
  if (!guided) return model(latents);
  const samples = splitBatch(await model(concatBatch([latents, latents])));
  const half = samples.length / 2;
  const [without, withPrompt] = [concatBatch(samples.slice(0, half)), concatBatch(samples.slice(half))];
  const prediction = guide(without, withPrompt, scale);
  return rescale > 0 ? rescaleGuidance(prediction, withPrompt, rescale) : prediction;
}
