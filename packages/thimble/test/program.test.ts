import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { VERSION } from '@thimble/core';
import type { FileReport, ModelReport } from '../src/inspect/ModelReport.js';
import { MODEL, runCli } from './support/CliRun.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { withCache } from './support/withCache.js';

const SDXL = fileURLToPath(new URL('../../core/test/fixtures/sdxl-tiny', import.meta.url));

interface Header {
  readonly [key: string]: {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly data_offsets: readonly [number, number];
  };
}

describe('thimble', () => {
  const folder = temporaryFolder();

  test('tells its version and its help, which names commands and exit codes', async () => {
    expect(await runCli(['--version'], folder)).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
    const help = await runCli(['--help'], folder);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/generate[\s\S]*inspect[\s\S]*Exit codes:\n\s+0 [\s\S]*\n\s+130 /);
    const generate = await runCli(['generate', '--help'], folder);
    for (const heading of ['Model:', 'Picture:', 'Sampling:', 'Files:', 'Computing:', 'Messages:', 'Examples:'])
      expect(generate.stdout).toContain(`\n${heading}\n`);
  });

  test('takes no command and a misspelt command as wrong usage', async () => {
    expect(await runCli([], folder)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Usage: thimble'),
    });
    expect(await runCli(['genrate'], folder)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('Did you mean generate?'),
    });
  });
});

describe('thimble inspect', () => {
  const folder = temporaryFolder();

  test('counts what the files hold', async () => {
    const { code, stdout } = await runMain(['inspect', MODEL, '--json'], { cwd: folder });
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as ModelReport;
    expect(report).toMatchObject({
      className: 'StableDiffusionPipeline',
      scheduler: 'DDIMScheduler',
      tokenizer: 'CLIPTokenizer',
      defaults: { width: 128, height: 128, numInferenceSteps: 50, guidanceScale: 7.5 },
    });
    expect(report.components.map(({ name }) => name)).toEqual(['text_encoder', 'unet', 'vae']);
    for (const component of report.components) {
      const [file] = component.files as [FileReport];
      expect(file.bytes).toBe(statSync(join(MODEL, file.path)).size);
      const tensors = Object.entries(readHeader(join(MODEL, file.path)))
        .filter(([key]) => !key.endsWith('position_ids'))
        .map(([, info]) => info);
      expect(component.parameters).toBe(sum(tensors.map(({ shape }) => shape.reduce((a, b) => a * b, 1))));
      expect(component.bytes).toBe(sum(tensors.map(({ data_offsets: [start, end] }) => end - start)));
      expect(component.dtypes).toEqual({ F32: component.bytes });
      expect(sum(component.segments.map(({ bytes }) => bytes))).toBe(component.bytes);
    }
    expect(report.bytes).toBe(sum(report.components.map(({ bytes }) => bytes)));
  });

  test('shows a table, and the segments when asked', async () => {
    const { code, stdout, stderr } = await runMain(['inspect', MODEL, '--segments'], { cwd: folder });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^unet +UNet2DConditionModel +919\.7 k +F32 +\d+ +3\.5 MB$/m);
    expect(stdout).toMatch(/^unet +diffusion_pytorch_model\.safetensors$/m);
    expect(stdout).toMatch(/^SEGMENTS OF unet[\s\S]*^down_blocks\.0\.resnets\.0 +\d+ KB$/m);
  });

  test('with --size shows what a picture takes, as the planner counts it', async () => {
    const args = ['inspect', MODEL, '--size', '64x64'];
    const { code, stdout } = await runMain(args, { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^64×64 +CALLS +READS +VALUES .*\ntext_encoder +1×2 .*[\s\S]*^unet +50×2 +3\.5 MB /m);
    expect(stdout).toMatch(/^a step reads 3\.5 MB of weights, a run of 50 \d+ MB$/m);
    const { needs, components } = JSON.parse(
      (await runMain([...args, '--json'], { cwd: folder })).stdout,
    ) as ModelReport;
    const unet = components.find(({ name }) => name === 'unet')!;
    expect(needs).toMatchObject({ run: { width: 64, height: 64, steps: 50 }, stepBytes: unet.bytes });
    const largest = Math.max(...unet.segments.map(({ bytes }) => bytes));
    expect(needs!.calls[1]!.largestSegment.bytes).toBe(largest);
  });

  test('shows both text encoders of SDXL, and what a picture takes', async () => {
    const { code, stdout } = await runCli(['inspect', SDXL], folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^picture {4}128×128, 50 steps, guidance 5$/m);
    expect(stdout).toMatch(/^text_encoder +CLIPTextModel .*\n.*^text_encoder_2 +CLIPTextModelWithProjection /ms);
  });

  test('with --int8 shows what every part loses, the most sensitive first', async () => {
    const { code, stdout, stderr } = await withCache(join(folder, 'cache'), async () =>
      runMain(['inspect', MODEL, '--int8', '--json'], { cwd: folder }),
    );
    expect({
      code,
      lines: stderr.split('\n').filter((line) => !/^(unet|vae) \d+\/\d+ \S+: [\d.]+ dB$/.test(line)),
    }).toEqual({ code: 0, lines: [''] });
    const reports = JSON.parse(stdout) as { component: string; parts: { name: string; decibels: number }[] }[];
    expect(reports.map(({ component }) => component)).toEqual(['unet', 'vae']);
    for (const { parts } of reports) {
      expect(parts.map(({ decibels }) => decibels)).toEqual(
        parts.map(({ decibels }) => decibels).toSorted((a, b) => a - b),
      );
      expect(parts[0]!.decibels).toBeGreaterThan(5);
    }
    expect(reports[0]!.parts.map(({ name }) => name)).toContain('mid_block.attentions.0');
    expect(reports[1]!.parts.map(({ name }) => name)).toContain('decoder.mid_block.resnets.0');
  }, 120_000);

  test('looks at a single model, and at one that is none', async () => {
    const { stdout } = await runMain(['inspect', join(MODEL, 'vae'), '--json'], { cwd: folder });
    expect(JSON.parse(stdout)).toMatchObject({
      className: 'AutoencoderKL',
      components: [{ className: 'AutoencoderKL', supported: true }],
    });
    expect(await runMain(['inspect', folder], { cwd: folder })).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('ERR_MODEL_FOLDER_INVALID'),
    });
  });
});

function readHeader(path: string): Header {
  const bytes = readFileSync(path);
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))) as Header;
  return Object.fromEntries(Object.entries(header).filter(([key]) => key !== '__metadata__'));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
