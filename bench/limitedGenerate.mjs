import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './statistics.mjs';
import { underLimit } from './underLimit.mjs';

const CLI = fileURLToPath(new URL('../packages/thimble/dist/cli.js', import.meta.url));

/**
 * The command line under a hard limit of `megabytes`: text encoder, `steps` with or without guidance, decoding in tiles, a submodule in memory at a time, and `flags`.
 * `pass` and `decode` in milliseconds, `read` megabytes from disk by both processes; a pass of `component` is half of a step with guidance.
 */
export async function limitedGenerate(
  checkpoint,
  megabytes,
  {
    flags = [],
    cold = true,
    size = '512x512',
    steps = 2,
    guided = true,
    component = 'unet',
    variant = 'fp16',
    scheduler = 'ddim',
  } = {},
) {
  const picture = join(tmpdir(), `thimble-bench-${process.pid}.png`);
  const args = [
    'generate',
    'a red fox',
    '-m',
    checkpoint,
    '--steps',
    String(steps),
    '--seed',
    '1',
    '--size',
    size,
    '-o',
    picture,
    '--overwrite',
    '--offload',
    'sequential',
    '--vae-tiling',
    '--json',
    ...(variant === null ? [] : ['--variant', variant]),
    ...(scheduler === null ? [] : ['--scheduler', scheduler]),
    ...(guided ? [] : ['--guidance', component === 'unet' ? '1' : '0']),
    ...flags,
  ];
  const { lines, ok, peakAnonymous, peakTotal, read } = await underLimit(megabytes, [process.execPath, CLI, ...args], {
    cold,
  });
  rmSync(picture, { force: true });
  const events = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const passes = events
    .filter((event) => event.type === 'model' && event.component === component)
    .map(({ milliseconds }) => milliseconds / (guided ? 2 : 1));
  const decode = events.find(({ type }) => type === 'decode')?.milliseconds;
  return { ok, pass: median(passes), decode, peakAnonymous, peakTotal, read };
}
