import {
  CogVideoXPipeline,
  type DownloadEvent,
  exportToVideo,
  type GenerateOptions,
  type GenerateResult,
  ThimbleError,
  type WarningEvent,
} from '@thimble/core';
import { checkFlags } from '../generate/checkFlags.js';
import { checkOutputs } from '../generate/checkOutputs.js';
import { drawnSeeds } from '../generate/drawnSeeds.js';
import { checkFormatSize } from '../generate/FileFormat.js';
import { givenOptions } from '../generate/fieldOptions.js';
import { readPrompts } from '../generate/readPrompts.js';
import { setOptions } from '../generate/setOptions.js';
import { videoFields } from '../runFields.js';
import { higherPeak } from '../generate/higherPeak.js';
import { forceable, openPipeline, title } from '../generate/openPipeline.js';
import { outputNaming, type OutputNaming } from '../generate/OutputNaming.js';
import { PictureWriter } from '../generate/PictureWriter.js';
import type { Interruption } from '../Interruption.js';
import { drawMemoryTimeline } from '../memory/drawMemoryTimeline.js';
import { MemoryTimeline } from '../memory/MemoryTimeline.js';
import { createProgress } from '../progress/createProgress.js';
import type { Progress } from '../progress/Progress.js';
import type { RunReport } from '../progress/RunReport.js';
import { chooseScheduler } from '../schedulers/chooseScheduler.js';
import { withoutUndefined } from '../withoutUndefined.js';
import { VIDEO_FORMATS, type VideoFlags, type VideoFormat } from './VideoFlags.js';

/** What a run needs beside the pipeline. */
interface RunParts {
  readonly prompts: readonly string[];
  /** What flags say of the run. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly flags: VideoFlags;
  readonly interruption: Interruption;
  readonly naming: OutputNaming<VideoFormat>;
  readonly writer: PictureWriter;
  readonly progress: Progress;
}

/** Does what `thimble video` says: opens the model, runs it, writes the videos. Leaves nothing behind if it fails. */
export async function runVideo(words: readonly string[], flags: VideoFlags, interruption: Interruption): Promise<void> {
  checkFlags(flags, videoFields);
  const naming = outputNaming(flags.output, flags.format, VIDEO_FORMATS, 'videos');
  const { prompts, notice } = await readPrompts(words, flags.promptFile, interruption.signal);
  const writer = new PictureWriter({ overwrite: flags.overwrite ?? false });
  const options = drawnSeeds(givenOptions(videoFields, flags));
  await checkOutputs(flags, { naming, writer, prompts, each: 1, seed: options['seed'] });
  const progress = await createProgress(flags);
  try {
    progress.start(title(prompts, flags));
    if (notice !== undefined) progress.event({ type: 'warning', code: 'WARN_PROMPT_JOINED', message: notice });
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
  await using pipe = await openPipeline(flags, signal, tell);
  if (!(pipe instanceof CogVideoXPipeline)) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'model',
      value: flags.model,
      expected: `a model that makes videos; a ${pipe.className} makes pictures: thimble generate`,
    });
  }
  using forced = forceable(pipe, interruption);
  void forced;
  chooseScheduler(pipe, flags);
  using timeline = flags.memoryReport === undefined ? undefined : new MemoryTimeline(pipe);
  for await (const event of pipe.stream(
    prompts.length === 1 ? (prompts[0] as string) : [...prompts],
    generateOptions(pipe, parts),
  )) {
    if (event.type === 'warning') tell(event);
    else if (event.type === 'frame') progress.event({ type: 'frame', index: event.index, frame: event.frame });
    else if (event.type === 'done') {
      if (timeline !== undefined)
        await writer.writeText(drawMemoryTimeline(timeline, title(prompts, flags)), flags.memoryReport as string);
      return await report(event.result, pipe, parts);
    } else if (event.type !== 'preview' && event.type !== 'image') progress.event(event);
  }
  throw new TypeError('the run ended without a result');
}

/** @throws CliError ERR_USAGE for a size that the files cannot hold */
function generateOptions(pipe: CogVideoXPipeline, parts: RunParts): GenerateOptions<'image'> {
  const { flags, options, naming, interruption } = parts;
  checkFormatSize(naming.format, { ...pipe.defaults, ...flags.size });
  return { ...flags.size, ...options, ...setOptions(pipe, flags.option, videoFields), signal: interruption.signal };
}

async function report(
  { frames = [], seeds, timings, memory }: GenerateResult<'image'>,
  pipe: CogVideoXPipeline,
  parts: RunParts,
): Promise<RunReport> {
  const { prompts, flags, naming, writer, progress, interruption } = parts;
  const paths: string[] = [];
  let { peak } = memory;
  for (const [at, video] of frames.entries()) {
    interruption.signal.throwIfAborted();
    const wanted = naming.pathOf({ prompt: prompts[at] ?? '', seed: seeds[at], index: at + 1 });
    const path = await writer.writeBy(wanted, naming.format, async (free) =>
      exportToVideo(video, free, withoutUndefined({ fps: flags.fps, quality: flags.quality })),
    );
    peak = higherPeak(peak, await pipe.memory());
    paths.push(path);
    progress.written(path, wanted);
  }
  return { images: paths, videos: paths.length, seeds, timings, memory: { ...memory, peak } };
}
