import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { compileNatively } from '../compileNatively.mjs';
import { command } from './command.mjs';
import { installFrom } from './installFrom.mjs';

const SCRIPT = `import { DiffusionPipeline, UniPCMultistepScheduler } from '@thimble/core';
import { Module } from '@thimble/core/model';
import { Stage } from '@thimble/core/plugin';
if (!(Module.prototype instanceof Object) || typeof Stage !== 'object') throw new Error('an entry is empty');
const pipe = await DiffusionPipeline.fromPretrained(process.argv[2] as string, { variant: undefined, dtype: undefined, memoryLimit: undefined });
pipe.scheduler = UniPCMultistepScheduler.fromConfig(pipe.scheduler.config);
const given: { readonly seed: number | undefined; readonly signal: AbortSignal | undefined } = { seed: undefined, signal: undefined };
const { images } = await pipe.generate('a red apple', { numInferenceSteps: 1, width: 64, height: 64, ...given });
await pipe.dispose();
console.log(images.map(({ width, height }) => \`\${width}x\${height}\`).join());
`;

// The runtime's own declarations name what browsers have.
const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable', 'dom'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noPropertyAccessFromIndexSignature: true,
  skipLibCheck: false,
};

/**
 * Installs tarballs with plain npm into an empty folder, compiles a script against them, makes a picture with it, and asks the
 * command line for its version.
 *
 * @param {{ root: string, folder: string, tarballs: readonly string[], names: readonly string[], model: string, version: string }} parts
 * @returns {Promise<string[]>} what went wrong
 */
export async function useAsOutsider({ root, folder, tarballs, names, model, version }) {
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  await writeFile(join(folder, 'script.ts'), SCRIPT);
  await writeFile(join(folder, 'entries.ts'), names.map((name) => `import '${name}';\n`).join(''));
  const compilerOptions = { ...COMPILER_OPTIONS, typeRoots: [join(root, 'node_modules/@types')] };
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['script.ts', 'entries.ts'] }),
  );
  await installFrom({ root, folder, tarballs, manager: 'npm' });
  // All libraries' declarations are checked. The examples are compiled by the other compiler.
  await compileNatively(folder);
  const sizes = await command(process.execPath, ['script.js', model], { cwd: folder });
  const bundled = await useBundled(folder, model);
  const said = await command(join(folder, 'node_modules/.bin/thimble'), ['--version'], { cwd: folder });
  return [
    ...(sizes === '64x64\n' ? [] : [`a picture of 64x64 was asked for, and there is ${JSON.stringify(sizes)}`]),
    ...(bundled === sizes ? [] : [`a bundle of the script says ${JSON.stringify(bundled)}`]),
    ...(said === `${version}\n`
      ? []
      : [`thimble --version says ${JSON.stringify(said)}, and the package is ${version}`]),
  ];
}

/** The script as one file but for core, by the settings of docs/bundlers.md. */
async function useBundled(folder, model) {
  await build({
    absWorkingDir: folder,
    entryPoints: ['script.js'],
    outfile: 'bundle.mjs',
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['@thimble/core'],
  });
  return command(process.execPath, ['bundle.mjs', model], { cwd: folder });
}
