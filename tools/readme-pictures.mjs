// node tools/readme-pictures.mjs: makes the pictures of README.md with the embedded model.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { DiffusionPipeline, Image } from '../packages/core/dist/index.js';

const sharp = createRequire(new URL('../packages/core/package.json', import.meta.url))('sharp');
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROMPTS = [
  'a red apple on a blue background',
  'a cat face on a yellow background',
  'a rocket on a black background',
  'a tree on a white background',
  'a pizza on a green background',
  'a fish on a red background',
];
const STEPS = 20;
const GUIDANCE = 1.5;
const SEED = 7;

const pipe = await DiffusionPipeline.fromPretrained(`${ROOT}models/demo`);
const { images } = await pipe.generate(PROMPTS, {
  numInferenceSteps: STEPS,
  guidanceScale: GUIDANCE,
  seed: PROMPTS.map(() => SEED),
});
const { width, height } = images[0];
const gap = 8;
const sheet = sharp({
  create: { width: PROMPTS.length * (width + gap) - gap, height, channels: 4, background: '#0000' },
});
const tiles = images.map((image, i) => ({
  input: Buffer.from(image.data),
  raw: { width, height, channels: 3 },
  left: i * (width + gap),
  top: 0,
}));
const { data, info } = await sheet.composite(tiles).raw().toBuffer({ resolveWithObject: true });
mkdirSync(`${ROOT}docs/images`, { recursive: true });
await new Image({
  width: info.width,
  height: info.height,
  channels: 4,
  data,
  metadata: { parameters: PROMPTS.join('\n') },
}).save(`${ROOT}docs/images/demo.png`);
await pipe.dispose();
