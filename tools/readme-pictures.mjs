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
await saveSheet('demo', images, PROMPTS);

const settings = { numInferenceSteps: STEPS, guidanceScale: GUIDANCE, seed: SEED };
const [apple] = images;
const mask = new Image({ width: 128, height: 128, channels: 1, data: circle(128, 64, 66, 46) });
const made = [
  ['a green apple on a red background', { image: apple, strength: 0.7 }],
  ['an orange on a blue background', { image: apple, maskImage: mask }],
];
const [green, orange] = await Promise.all(
  made.map(async ([prompt, given]) => (await pipe.generate(prompt, { ...settings, ...given })).images[0]),
);
await mask.save(`${ROOT}docs/images/mask.png`);
await saveSheet('pictures', [apple, green, mask, orange], [PROMPTS[0], made[0][0], 'mask', made[1][0]]);
await pipe.dispose();

/** Pictures of one size, side by side. */
async function saveSheet(name, pictures, prompts) {
  const { width, height } = pictures[0];
  const gap = 8;
  const sheet = sharp({
    create: { width: pictures.length * (width + gap) - gap, height, channels: 4, background: '#0000' },
  });
  const tiles = await Promise.all(
    pictures.map(async (image, i) => ({ input: await image.toBuffer(), left: i * (width + gap), top: 0 })),
  );
  const { data, info } = await sheet.composite(tiles).raw().toBuffer({ resolveWithObject: true });
  mkdirSync(`${ROOT}docs/images`, { recursive: true });
  const whole = { width: info.width, height: info.height, channels: 4, data };
  await new Image({ ...whole, metadata: { parameters: prompts.join('\n') } }).save(`${ROOT}docs/images/${name}.png`);
}

/** White within a circle, black outside. */
function circle(side, x, y, radius) {
  return Uint8Array.from({ length: side ** 2 }, (_, i) =>
    Math.hypot((i % side) - x, Math.floor(i / side) - y) < radius ? 255 : 0,
  );
}
