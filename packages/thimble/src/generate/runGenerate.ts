import { join } from 'node:path';
import {
  CogVideoXPipeline,
  type DiffusionPipeline,
  ThimbleError,
  type DownloadEvent,
  type GenerateOptions,
  type GenerateResult,
  type ImageEvent,
  type MemoryReport,
  type PreviewEvent,
  type WarningEvent,
} from '@thimble/core';
import { drawMemoryTimeline } from '../memory/drawMemoryTimeline.js';
import { MemoryTimeline } from '../memory/MemoryTimeline.js';
import type { Interruption } from '../Interruption.js';
import { createProgress } from '../progress/createProgress.js';
import type { Progress } from '../progress/Progress.js';
import type { RunReport } from '../progress/RunReport.js';
import { pictureFields } from '../runFields.js';
import { checkFlags } from './checkFlags.js';
import { checkOutputs } from './checkOutputs.js';
import { drawnSeeds } from './drawnSeeds.js';
import { checkFormatSize, FILE_FORMATS, type FileFormat } from './FileFormat.js';
import { givenOptions } from './fieldOptions.js';
import type { GenerateFlags } from './GenerateFlags.js';
import { higherPeak } from './higherPeak.js';
import { forceable, openPipeline, title } from './openPipeline.js';
import { outputNaming, type OutputNaming } from './OutputNaming.js';
import { readPrompts } from './readPrompts.js';
import { setOptions } from './setOptions.js';
import { PictureWriter } from './PictureWriter.js';
import { withPromptLoras } from './withPromptLoras.js';
import { chooseScheduler } from '../schedulers/chooseScheduler.js';

/** What a run needs beside the pipeline. */
interface RunParts {
  readonly prompts: readonly string[];
  /** What flags say of the run. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly flags: GenerateFlags;
  readonly interruption: Interruption;
  readonly naming: OutputNaming<FileFormat>;
  readonly writer: PictureWriter;
  readonly progress: Progress;
}

/** A picture's file, and what was held after it was written. */
interface WrittenImage {
  readonly path: string;
  readonly memory: MemoryReport;
}

/** Does what `thimble generate` says: opens the model, runs it, writes the pictures. Pictures that are done stay if it fails; nothing else does. */
export async function runGenerate(
  words: readonly string[],
  flags: GenerateFlags,
  interruption: Interruption,
): Promise<void> {
  checkFlags(flags, pictureFields);
  const naming = outputNaming(flags.output, flags.format, FILE_FORMATS, 'pictures');
  const { prompts, notice } = await readPrompts(words, flags.promptFile, interruption.signal);
  const writer = new PictureWriter({ overwrite: flags.overwrite ?? false });
  const options = drawnSeeds(givenOptions(pictureFields, flags));
  await checkOutputs(flags, { naming, writer, prompts, each: flags.count ?? 1, seed: options['seed'] });
  const progress = await createProgress(flags);
  try {
    progress.start(title(prompts, flags));
    if (notice !== undefined) tellOf('WARN_PROMPT_JOINED', notice, progress);
    progress.done(await run({ prompts, options, flags, interruption, naming, writer, progress }));
  } finally {
    progress.close();
  }
}

async function run(parts: RunParts): Promise<RunReport> {
  const { prompts, flags, interruption, progress, writer } = parts;
  const { signal } = interruption;
  const told = new Set<string>();
  // A warning from opening the model comes again with the first run.
  const tell = (event: DownloadEvent | WarningEvent): void => {
    if (event.type === 'warning' && told.has(event.message)) return;
    if (event.type === 'warning') told.add(event.message);
    progress.event(event);
  };
  await using pipe = await openPipeline(await withPromptLoras(flags, prompts), signal, tell);
  if (pipe instanceof CogVideoXPipeline)
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'model',
      value: flags.model,
      expected: 'a model that makes pictures; this one makes videos: thimble video',
    });
  using forced = forceable(pipe, interruption);
  void forced;
  chooseScheduler(pipe, flags);
  using timeline = flags.memoryReport === undefined ? undefined : new MemoryTimeline(pipe);
  const written: WrittenImage[] = [];
  for await (const event of pipe.stream(
    prompts.length === 1 ? (prompts[0] as string) : [...prompts],
    generateOptions(pipe, parts),
  )) {
    if (event.type === 'preview') await savePreviews(event, parts);
    else if (event.type === 'image') written.push(await saveImage(event, pipe, parts));
    else if (event.type === 'warning') tell(event);
    else if (event.type === 'done') {
      if (timeline !== undefined)
        await writer.writeText(drawMemoryTimeline(timeline, title(prompts, flags)), flags.memoryReport as string);
      return report(event.result, written);
    } else progress.event(event);
  }
  throw new TypeError('the run ended without a result');
}

/** @throws CliError ERR_USAGE for a size that the files cannot hold */
function generateOptions(pipe: DiffusionPipeline, parts: RunParts): GenerateOptions<'image'> {
  const { flags, options, naming, interruption } = parts;
  const { size, preview, previewVae, option } = flags;
  const previews = preview === undefined ? {} : ({ previews: previewVae === undefined ? 'rgb' : 'tiny' } as const);
  checkFormatSize(naming.format, { ...pipe.defaults, ...size });
  return { ...size, ...options, ...setOptions(pipe, option, pictureFields), ...previews, signal: interruption.signal };
}

/** Writes a picture as soon as it is there: the next one may take a while. */
async function saveImage(
  { index, image, seed }: ImageEvent,
  pipe: DiffusionPipeline,
  { prompts, flags, naming, writer, progress }: RunParts,
): Promise<WrittenImage> {
  const prompt = prompts[Math.floor(index / (flags.count ?? 1))] ?? '';
  const wanted = naming.pathOf({ prompt, seed, index: index + 1 });
  const path = await writer.write(image, wanted, naming.format, (why) => tellOf('WARN_OTHER_FORMAT', why, progress));
  progress.event({ type: 'image', index, seed, path });
  progress.written(path, wanted);
  return { path, memory: await pipe.memory() };
}

function report({ seeds, timings, memory }: GenerateResult<'image'>, written: readonly WrittenImage[]): RunReport {
  const peak = written.reduce((highest, image) => higherPeak(highest, image.memory), memory.peak);
  return { images: written.map(({ path }) => path), seeds, timings, memory: { ...memory, peak } };
}

function tellOf(code: string, message: string, progress: Progress): void {
  progress.event({ type: 'warning', code, message });
}

async function savePreviews({ index, images }: PreviewEvent, { flags, writer, progress }: RunParts): Promise<void> {
  const paths: string[] = [];
  for (const [at, image] of images.entries()) {
    const name = `step-${String(index + 1).padStart(3, '0')}${images.length > 1 ? `-image-${at + 1}` : ''}.png`;
    paths.push(await writer.write(image, join(flags.preview as string, name), 'png', () => undefined));
  }
  progress.event({ type: 'preview', index, images: paths });
}
