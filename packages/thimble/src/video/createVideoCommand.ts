import type { Fields } from '@thimble/core/model';
import { Command, Option } from 'commander';
import { fieldOptions } from '../generate/fieldOptions.js';
import { numberFrom } from '../generate/parseNumber.js';
import { parseSize } from '../generate/parseSize.js';
import {
  computingOptions,
  loraOptions,
  memoryOptions,
  messageOptions,
  modelOptions,
  modelSource,
  promptOptions,
} from '../generate/sharedOptions.js';
import type { Interruption } from '../Interruption.js';
import { schedulerOptions } from '../schedulers/schedulerOptions.js';
import { VIDEO_FORMATS, type VideoFlags } from './VideoFlags.js';

const HELP = `
Examples:
  One video, in out/, named after the prompt and its seed:
    $ thimble video "a panda plays the guitar" --model ./CogVideoX-2b
  In little memory, one submodule at a time, decoded in tiles:
    $ thimble video "a panda plays the guitar" -m ./CogVideoX-2b --fp8 \\
        --offload sequential --vae-tiling --memory 2GB
  Short and small, as an animation:
    $ thimble video "a panda" -m ./CogVideoX-2b --frames 17 --size 320x240 \\
        --steps 20 -o panda.gif

The standard output holds the paths of the files that were written, and nothing
else; progress and messages go to the standard error output. Exit codes: 0 done,
1 failed, 2 wrong usage, 130 stopped by Ctrl-C.
`;

/** Fields whose flags are of the video; those of the others say how it is sampled. */
const OF_VIDEO = ['numFrames', 'seed', 'negativePrompt', 'guidanceScale', 'useDynamicCfg'];

/** `thimble video`; with the flags of a pipeline's `fields`. */
export function createVideoCommand(interruption: Interruption, fields: Fields): Command {
  const flags = Object.entries(fieldOptions(fields));
  const flagsOf = (video: boolean): Option[] =>
    flags.filter(([name]) => OF_VIDEO.includes(name) === video).map(([, option]) => option);
  const command = new Command('video')
    .description('Makes a video of a prompt, or of each of several, which are computed together.')
    .argument('[prompt...]', 'what the video shows; in quotes, or - for the standard input')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (prompts: string[], flags: VideoFlags, command: Command) => {
      const { runVideo } = await import('./runVideo.js');
      await runVideo(prompts, { ...flags, ...modelSource(command) }, interruption);
    });
  const groups: Readonly<Record<string, readonly Option[]>> = {
    'Model:': [...modelOptions(), ...loraOptions()],
    'Video:': [...promptOptions(), ...videoOptions(), ...flagsOf(true)],
    'Sampling:': [schedulerOption(), ...schedulerOptions(), ...flagsOf(false)],
    'Files:': fileOptions(),
    'Computing:': computingOptions(),
    'Memory:': memoryOptions('videos'),
    'Messages:': messageOptions(),
  };
  for (const [heading, options] of Object.entries(groups))
    for (const option of options) command.addOption(option.helpGroup(heading));
  return command;
}

function videoOptions(): Option[] {
  const size = "pixels, multiples of 16, such as 720x480 (default: the model's own)";
  return [
    new Option('-s, --size <WxH>', size).argParser(parseSize),
    new Option('--fps <number>', 'frames a second').argParser(numberFrom(0.1, 240)).default(8),
  ];
}

function schedulerOption(): Option {
  const text = "cogvideox-dpm, ddim, … as thimble schedulers lists them, or a class name (default: the model's own)";
  return new Option('--scheduler <name>', text);
}

function fileOptions(): Option[] {
  return [
    new Option(
      '-o, --output <path>',
      'a file, a folder, or a pattern with {prompt}, {seed}, {index} (default: out/{prompt}-{seed}.mp4)',
    ),
    new Option(
      '--format <name>',
      'mp4 (H.264), or gif or webp, animated (default: as --output says, else mp4)',
    ).choices([...VIDEO_FORMATS]),
    new Option('--quality <number>', '0, small, to 10, good (default: 5)').argParser(numberFrom(0, 10)),
    new Option('--overwrite', 'replace files that are there already (default: take the next free number)'),
  ];
}
