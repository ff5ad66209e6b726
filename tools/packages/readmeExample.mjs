import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { joinExamples } from '../docs/joinExamples.mjs';
import { command } from './command.mjs';

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
const FP16 = [
  ['unet', 'diffusion_pytorch_model'],
  ['vae', 'diffusion_pytorch_model'],
  ['text_encoder', 'model'],
];

/**
 * Compiles the TypeScript of a README, all its blocks as one program, and runs it in a folder where the packages are installed. A tiny checkpoint stands where
 * the examples look for one.
 *
 * @param {{ root: string, folder: string, readme: string, node?: string }} parts `node`: the program to run it with
 */
export async function runReadmeExample({ root, folder, readme, node = process.execPath }) {
  const source = joinExamples(await readFile(readme, 'utf8'));
  if (source === '') return;
  await layModels(root, folder);
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
