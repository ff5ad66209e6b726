import { join } from 'node:path';
import { usage } from '../usage.js';
import { checkExtension, checkFormatSize } from './FileFormat.js';
import type { GenerateFlags } from './GenerateFlags.js';
import { expectedPaths, type OutputNaming, STANDARD_OUTPUT } from './OutputNaming.js';
import type { PictureWriter } from './PictureWriter.js';

/** The flags that say what is written, and where. */
export type OutputFlags = Pick<GenerateFlags, 'output' | 'preview' | 'memoryReport' | 'size' | 'json'>;

/** What a run is going to write. */
export interface Outputs {
  readonly naming: OutputNaming<string>;
  readonly writer: PictureWriter;
  readonly prompts: readonly string[];
  /** Pictures of each prompt. */
  readonly each: number;
  /** As the flag gives it. */
  readonly seed: unknown;
}

/** Refuses what could not be written, before anything is opened. @throws CliError ERR_USAGE, ERR_OUTPUT_UNWRITABLE */
export async function checkOutputs(flags: OutputFlags, outputs: Outputs): Promise<void> {
  const { naming, writer, prompts, each, seed } = outputs;
  if (flags.output === STANDARD_OUTPUT) checkStandardOutput(flags, prompts.length * each);
  checkFormatSize(naming.format, flags.size ?? {});
  for (const path of expectedPaths(naming, prompts, each, seed)) await writer.check(path);
  if (flags.preview !== undefined) await writer.check(join(flags.preview, 'step'));
  if (flags.memoryReport === undefined) return;
  checkExtension('--memory-report', flags.memoryReport, '.svg');
  await writer.check(flags.memoryReport);
}

function checkStandardOutput({ json = false }: OutputFlags, count: number): void {
  if (json) usage('--output - and --json both want the standard output; drop one of them');
  if (count > 1) usage(`--output - takes one file, and ${count} are asked for; name a folder`);
  if (process.stdout.isTTY)
    usage('--output - writes a file to the standard output, which is a terminal; send it on with > or |');
}
