import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { joinExamples } from '../docs/joinExamples.mjs';
import { command } from './command.mjs';
import { layAdapters } from './layAdapters.mjs';
import { writeSafetensors } from '../../packages/core/dist/plugin.js';

// The runtime's own declarations name what browsers have.
const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable', 'dom'],
  types: ['node'],
  strict: true,
  skipLibCheck: false,
};

/** What examples call their checkpoint. */
const MODELS = ['models/stable-diffusion-v1-5', 'stable-diffusion-v1-5/stable-diffusion-v1-5'];
const LORAS = ['detail.safetensors', 'style.safetensors'];
const FP16 = [
  ['unet', 'diffusion_pytorch_model'],
  ['vae', 'diffusion_pytorch_model'],
  ['text_encoder', 'model'],
];

/**
 * Compiles the TypeScript of a README, all its blocks as one program, and runs it in a folder where the packages are installed. A tiny checkpoint, tiny LoRAs, an IP-Adapter and a UNet as GGUF stand
 * where the examples look for them.
 *
 * @param {{ root: string, folder: string, readme: string, node?: string }} parts `node`: the program to run it with
 */
export async function runReadmeExample({ root, folder, readme, node = process.execPath }) {
  const source = joinExamples(await readFile(readme, 'utf8'));
  if (source === '') return;
  await layModels(root, folder);
  await layLoras(folder);
  await layAdapters(folder, join(root, 'packages/plugin-testkit/checkpoint'));
  await writeFile(join(folder, 'example.test.ts'), source);
  const compilerOptions = { ...COMPILER_OPTIONS, typeRoots: [join(root, 'node_modules/@types')] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.test.ts'] }));
  await command(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], { cwd: folder });
  await command(node, ['example.test.js'], {
    cwd: folder,
    env: { ...process.env, THIMBLE_CACHE: join(folder, 'cache') },
    timeout: 240_000,
  });
}

/**
 * Runs the first line of a README that calls the command line, in a folder where it is installed.
 *
 * @param {{ root: string, folder: string, readme: string, node: string }} parts `node`: the program to run it with
 */
export async function runReadmeCommand({ root, folder, readme, node }) {
  const [line] = /^thimble generate .+$/m.exec(await readFile(readme, 'utf8'));
  await layModels(root, folder);
  const path = [join(folder, 'node_modules/.bin'), dirname(node), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH: path, THIMBLE_CACHE: join(folder, 'cache') };
  await command('sh', ['-c', line], { cwd: folder, env, timeout: 240_000 });
}

/** The test kit's checkpoint, in both precisions by name: what is asked for by `variant: 'fp16'` are f32 weights here. */
async function layModels(root, folder) {
  for (const path of MODELS) {
    const model = join(folder, path);
    await mkdir(model, { recursive: true });
    await cp(join(root, 'packages/plugin-testkit/checkpoint'), model, { recursive: true });
    for (const [component, file] of FP16)
      await cp(join(model, component, `${file}.safetensors`), join(model, component, `${file}.fp16.safetensors`));
  }
}

/** Of zeros, on one layer of the test kit's UNet. */
async function layLoras(folder) {
  const layer = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q';
  const zeros = (...shape) => ({ dtype: 'F32', shape, data: new Uint8Array(shape[0] * shape[1] * 4) });
  for (const name of LORAS)
    await writeSafetensors(join(folder, name), {
      [`${layer}.lora_A.weight`]: zeros(1, 16),
      [`${layer}.lora_B.weight`]: zeros(16, 1),
    });
}
