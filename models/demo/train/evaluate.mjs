#!/usr/bin/env node
// Draws held-out (thing, colour) combinations with thimble and judges them; no Python needed.
//
//   node models/demo/train/evaluate.mjs [--model DIR] [--count 100] [--steps 20] [--guidance G] [--seed 0]
//                                      [--sheet FILE.png] [--thimble MODULE]
//   node models/demo/train/evaluate.mjs --images DIR     judges DIR/000.png, DIR/001.png, ... instead
//
// It exits with 1 if fewer than 95 % of the backgrounds or 80 % of the things are right.
// `evaluate(generate, options)` is exported for use with any other way to make pictures.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { deflateSync, inflateSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
export const RECOMMENDED = { steps: 20, guidanceScale: 1.5 };
const CELL = 64; // pixels of a reference in references.png
const COLUMNS = 20;
const SMALL = 32; // pictures are compared at this size ...
const SHIFT = 1; // ... at shifts of up to so many pixels
const RING = 4; // width of the border that has to be plain
const THRESHOLDS = { background: 0.95, thing: 0.8 };

/** A non-interlaced 8-bit RGB or RGBA PNG -> { width, height, channels, data }. */
export function decodePng(bytes) {
  let at = 8;
  let width, height, channels;
  const parts = [];
  while (at < bytes.length) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      channels = { 2: 3, 6: 4 }[body[9]];
      if (body[8] !== 8 || !channels || body[12] !== 0)
        throw new Error('only 8-bit RGB and RGBA PNGs without interlace');
    } else if (type === 'IDAT') parts.push(body);
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const data = new Uint8Array(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? data[y * stride + x - channels] : 0;
      const up = y > 0 ? data[(y - 1) * stride + x] : 0;
      const corner = x >= channels && y > 0 ? data[(y - 1) * stride + x - channels] : 0;
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = up;
      else if (filter === 3) guess = (left + up) >> 1;
      else if (filter === 4) {
        const p = left + up - corner;
        const [a, b, c] = [Math.abs(p - left), Math.abs(p - up), Math.abs(p - corner)];
        guess = a <= b && a <= c ? left : b <= c ? up : corner;
      }
      data[y * stride + x] = raw[y * (stride + 1) + 1 + x] + guess;
    }
  }
  return { width, height, channels, data };
}

function crc32(bytes) {
  let crc = ~0;
  for (const b of bytes) {
    crc ^= b;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function encodePng({ width, height, data }) {
  const chunk = (type, body) => {
    const out = Buffer.alloc(12 + body.length);
    out.writeUInt32BE(body.length, 0);
    out.write(type, 4, 'latin1');
    body.copy(out, 8);
    out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const raw = Buffer.alloc(height * (width * 3 + 1));
  for (let y = 0; y < height; y++) raw.set(data.subarray(y * width * 3, (y + 1) * width * 3), y * (width * 3 + 1) + 1);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Averages the picture down to SMALL x SMALL x 3, in [0, 1]. */
function shrink({ width, height, channels, data }) {
  const k = width / SMALL;
  if (width !== height || !Number.isInteger(k)) throw new Error(`cannot judge a ${width}x${height} picture`);
  const out = new Float32Array(SMALL * SMALL * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = (Math.floor(y / k) * SMALL + Math.floor(x / k)) * 3;
      for (let c = 0; c < 3; c++) out[to + c] += data[(y * width + x) * channels + c] / (255 * k * k);
    }
  }
  return out;
}

export class Judge {
  constructor() {
    this.spec = JSON.parse(readFileSync(join(here, 'things.json'), 'utf8'));
    this.names = this.spec.things.map((t) => t.name);
    const sheet = decodePng(readFileSync(join(here, 'references.png')));
    const k = CELL / SMALL;
    // premultiplied RGBA at SMALL x SMALL for each thing
    this.references = this.names.map((_, i) => {
      const out = new Float32Array(SMALL * SMALL * 4);
      const [top, left] = [Math.floor(i / COLUMNS) * CELL, (i % COLUMNS) * CELL];
      for (let y = 0; y < CELL; y++) {
        for (let x = 0; x < CELL; x++) {
          const from = ((top + y) * sheet.width + left + x) * 4;
          const to = (Math.floor(y / k) * SMALL + Math.floor(x / k)) * 4;
          const alpha = sheet.data[from + 3] / 255;
          for (let c = 0; c < 3; c++) out[to + c] += ((sheet.data[from + c] / 255) * alpha) / (k * k);
          out[to + 3] += alpha / (k * k);
        }
      }
      return out;
    });
    this.composites = new Map();
  }

  /** All things on this background, SMALL x SMALL x 3 each. */
  on(colour) {
    if (!this.composites.has(colour)) {
      const rgb = this.spec.colours[colour].map((v) => v / 255);
      const all = this.references.map((r) => {
        const out = new Float32Array(SMALL * SMALL * 3);
        for (let p = 0; p < SMALL * SMALL; p++) {
          for (let c = 0; c < 3; c++) out[p * 3 + c] = r[p * 4 + c] + (1 - r[p * 4 + 3]) * rgb[c];
        }
        return out;
      });
      this.composites.set(colour, all);
    }
    return this.composites.get(colour);
  }

  /** The palette colour nearest to the border's median, and how much of the border is near that median. */
  background({ width, height, channels, data }) {
    const border = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (y >= RING && y < height - RING && x >= RING && x < width - RING) continue;
        const at = (y * width + x) * channels;
        border.push([data[at], data[at + 1], data[at + 2]]);
      }
    }
    const middle = border.length / 2;
    const median = [0, 1, 2].map((c) => {
      const sorted = border.map((p) => p[c]).sort((a, b) => a - b);
      return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle) - 1]) / 2;
    });
    const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    const names = Object.keys(this.spec.colours);
    const name = names.reduce((best, n) =>
      distance(this.spec.colours[n], median) < distance(this.spec.colours[best], median) ? n : best,
    );
    return { name, uniform: border.filter((p) => distance(p, median) < 40).length / border.length };
  }

  /** Mean squared difference to every thing on this background, at the best small shift. */
  distances(picture, colour) {
    const p = shrink(picture);
    const m = SMALL - 2 * SHIFT;
    return this.on(colour).map((r) => {
      let best = Infinity;
      for (let dy = 0; dy <= 2 * SHIFT; dy++) {
        for (let dx = 0; dx <= 2 * SHIFT; dx++) {
          let sum = 0;
          for (let y = 0; y < m; y++) {
            let a = ((y + dy) * SMALL + dx) * 3;
            let b = ((y + SHIFT) * SMALL + SHIFT) * 3;
            for (let n = 0; n < m * 3; n++, a++, b++) sum += (r[a] - p[b]) ** 2;
          }
          best = Math.min(best, sum / (m * m * 3));
        }
      }
      return best;
    });
  }

  judge(picture, thing, colour) {
    const { name, uniform } = this.background(picture);
    const d = this.distances(picture, colour);
    const nearest = d.indexOf(Math.min(...d));
    return {
      background: name === colour && uniform >= 0.9,
      thing: this.names[nearest] === thing,
      seen: `${this.names[nearest]} on ${name}`,
      error: Math.sqrt(d[this.names.indexOf(thing)]),
    };
  }
}

function contactSheet(pictures, columns = 10) {
  const { width: w, height: h } = pictures[0];
  const width = w * columns;
  const height = h * Math.ceil(pictures.length / columns);
  const data = new Uint8Array(width * height * 3).fill(128);
  pictures.forEach((p, i) => {
    const [top, left] = [Math.floor(i / columns) * h, (i % columns) * w];
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        for (let c = 0; c < 3; c++) data[((top + y) * width + left + x) * 3 + c] = p.data[(y * w + x) * p.channels + c];
      }
    }
  });
  return encodePng({ width, height, data });
}

/**
 * Judges `count` pictures of held-out combinations. `generate(prompt, seed, index)` resolves to
 * { width, height, channels, data }.
 */
export async function evaluate(generate, { count = 100, seed = 0, sheet, log = console.log } = {}) {
  const judge = new Judge();
  const heldOut = judge.spec.heldOut.filter((h) => h.drawn);
  const asked = Array.from({ length: count }, (_, index) => heldOut[index % heldOut.length]); // again and again, with other seeds
  const pictures = [];
  const total = { background: 0, thing: 0, error: 0 };
  log('  #  background  thing  error   prompt -> nearest');
  for (const [index, h] of asked.entries()) {
    const picture = await generate(h.prompt, seed + index, index);
    const r = judge.judge(picture, h.thing, h.colour);
    if (sheet) pictures.push(picture);
    total.background += r.background;
    total.thing += r.thing;
    total.error += r.error;
    const mark = (ok) => (ok ? 'ok' : 'WRONG');
    const note = r.background && r.thing ? '' : `  -> ${r.seen}`;
    log(
      `${String(index).padStart(3)}  ${mark(r.background).padEnd(10)}  ${mark(r.thing).padEnd(5)}  ${r.error.toFixed(3)}   ${h.prompt}${note}`,
    );
  }
  const n = asked.length;
  const result = { count: n, background: total.background / n, thing: total.thing / n, error: total.error / n };
  result.passed = result.background >= THRESHOLDS.background && result.thing >= THRESHOLDS.thing;
  log(`\nbackground right: ${total.background} of ${n} (at least ${THRESHOLDS.background * 100} % asked for)`);
  log(`thing nearest to its own reference: ${total.thing} of ${n} (at least ${THRESHOLDS.thing * 100} % asked for)`);
  log(`mean error (RMS, 32x32, colours in [0, 1]): ${result.error.toFixed(4)}`);
  log(result.passed ? 'PASSED' : 'FAILED');
  if (sheet) writeFileSync(sheet, contactSheet(pictures));
  return result;
}

async function main() {
  const { values: o } = parseArgs({
    options: {
      model: { type: 'string', default: join(here, '..') },
      thimble: { type: 'string', default: '@thimble/core' },
      count: { type: 'string', default: '100' },
      steps: { type: 'string', default: String(RECOMMENDED.steps) },
      guidance: { type: 'string', default: String(RECOMMENDED.guidanceScale) },
      seed: { type: 'string', default: '0' },
      sheet: { type: 'string' },
      images: { type: 'string' },
    },
  });
  const options = { count: Number(o.count), seed: Number(o.seed), sheet: o.sheet };
  let result;
  if (o.images) {
    result = await evaluate(
      async (_prompt, _seed, index) => decodePng(readFileSync(join(o.images, `${String(index).padStart(3, '0')}.png`))),
      options,
    );
  } else {
    // a bare package name is looked up from the current folder, a path is taken as it is
    const module = /^[./]/.test(o.thimble) ? pathToFileURL(resolve(o.thimble)).href : o.thimble;
    const { DiffusionPipeline } = await import(module);
    const pipe = await DiffusionPipeline.fromPretrained(o.model);
    const started = performance.now();
    result = await evaluate(async (prompt, seed) => {
      const { images } = await pipe.generate(prompt, {
        numInferenceSteps: Number(o.steps),
        guidanceScale: Number(o.guidance),
        seed,
      });
      return images[0];
    }, options);
    console.log(`${((performance.now() - started) / 1000 / result.count).toFixed(2)} s a picture`);
    await pipe.dispose();
  }
  process.exitCode = result.passed ? 0 : 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
