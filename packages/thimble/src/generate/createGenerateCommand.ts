import type { Fields } from '@thimble/core/model';
import { Command, Option } from 'commander';
import type { Interruption } from '../Interruption.js';
import { schedulerOptions } from '../schedulers/schedulerOptions.js';
import { FILE_FORMATS } from './FileFormat.js';
import { fieldOptions } from './fieldOptions.js';
import type { GenerateFlags } from './GenerateFlags.js';
import { parseSize } from './parseSize.js';
import {
  adapterOptions,
  computingOptions,
  memoryOptions,
  messageOptions,
  loraOptions,
  modelOptions,
  modelSource,
  promptOptions,
  loraDirOption,
  promptWeightsOption,
  vaeOption,
} from './sharedOptions.js';

const HELP = `
Examples:
  One picture, in out/, named after the prompt and its seed:
    $ thimble generate "a red fox in the snow" \\
        --model ./stable-diffusion-v1-5
  The same picture again, larger and with more steps:
    $ thimble generate "a red fox in the snow" -m ./stable-diffusion-v1-5 \\
        --seed 42 --size 768x512 --steps 50
  Four at once, into a folder, as WebP:
    $ thimble generate "a red fox" -m ./stable-diffusion-v1-5 -n 4 \\
        --seed 1,2,3,4 -o foxes/ --format webp
  With another scheduler, in fewer steps:
    $ thimble generate "a red fox" -m ./stable-diffusion-v1-5 \\
        --scheduler unipc --karras --steps 12
  In little memory, with a picture of what it took:
    $ thimble generate "a red fox" -m ./stable-diffusion-v1-5 \\
        --offload sequential --vae-tiling --memory-report memory.svg
  With a plugin, installed by npm in the current folder:
    $ thimble generate "a red fox" -m ./stable-diffusion-v1-5 \\
        --use '@thimble/plugin-vae-tiling:{"mode":"blend"}'
  With Stable Diffusion XL, whose second text encoder reads the style:
    $ thimble generate "a red fox" -m ./stable-diffusion-xl-base-1.0 \\
        --variant fp16 --prompt-2 "an oil painting"
  Where a ControlNet says what goes where:
    $ thimble generate "a red fox" -m ./stable-diffusion-v1-5 \\
        --control model=./sd-controlnet-canny,image=edges.png,scale=0.8
  For programs, one JSON object a line:
    $ thimble generate "a red fox" -m ./stable-diffusion-v1-5 --json |
        jq -r 'select(.type == "done").images[]'

The standard output holds the paths of the files that were written, and nothing
else; progress and messages go to the standard error output. Exit codes: 0 done,
1 failed, 2 wrong usage, 130 stopped by Ctrl-C.
`;

/** Fields whose flags are of the picture; those of the others say how it is sampled. */
const OF_PICTURE = [
  'numImagesPerPrompt',
  'seed',
  'negativePrompt',
  'guidanceScale',
  'trueCfgScale',
  'prompt2',
  'negativePrompt2',
  'prompt3',
  'negativePrompt3',
  'originalSize',
  'cropsCoordsTopLeft',
  'targetSize',
];

/** `thimble generate`; with the flags of a pipeline's `fields`. */
export function createGenerateCommand(interruption: Interruption, fields: Fields): Command {
  const flags = Object.entries(fieldOptions(fields));
  const flagsOf = (picture: boolean): Option[] =>
    flags.filter(([name]) => OF_PICTURE.includes(name) === picture).map(([, option]) => option);
  const command = new Command('generate')
    .description('Makes a picture of a prompt, or of each of several, which are computed together.')
    .argument('[prompt...]', 'what the picture shows; in quotes, or - for the standard input')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (prompts: string[], flags: GenerateFlags, command: Command) => {
      const { runGenerate } = await import('./runGenerate.js');
      await runGenerate(prompts, { ...flags, ...modelSource(command) }, interruption);
    });
  const groups: Readonly<Record<string, readonly Option[]>> = {
    'Model:': [...modelOptions(), vaeOption(), ...loraOptions()],
    'Picture:': [
      ...promptOptions(),
      promptWeightsOption(),
      loraDirOption(),
      sizeOption(),
      ...flagsOf(true),
      ...adapterOptions(),
    ],
    'Sampling:': [schedulerOption(), ...schedulerOptions(), ...flagsOf(false)],
    'Files:': fileOptions(),
    'Computing:': computingOptions(),
    'Memory:': memoryOptions('pictures'),
    'Messages:': messageOptions(),
  };
  for (const [heading, options] of Object.entries(groups))
    for (const option of options) command.addOption(option.helpGroup(heading));
  return command;
}

function sizeOption(): Option {
  const text = "pixels, multiples of 8, such as 512x512 (default: the model's own)";
  return new Option('-s, --size <WxH>', text).argParser(parseSize);
}

function schedulerOption(): Option {
  const text = "unipc, dpm, euler, … as thimble schedulers lists them, or a class name (default: the model's own)";
  return new Option('--scheduler <name>', text);
}

function fileOptions(): Option[] {
  return [
    new Option(
      '-o, --output <path>',
      'a file, a folder, or a pattern with {prompt}, {seed}, {index} (default: out/{prompt}-{seed}.png)',
    ),
    new Option(
      '--format <name>',
      'png, with prompt and settings inside; webp or jpg (default: as --output says, else png)',
    ).choices([...FILE_FORMATS]),
    new Option('--overwrite', 'replace files that are there already (default: take the next free number)'),
    new Option('--preview [folder]', 'write a small picture after every step (default folder: previews)').preset(
      'previews',
    ),
    new Option(
      '--preview-vae <path|id>',
      "decode these pictures by a small VAE, such as madebyollin/taesd, in the picture's size (default: rough colours)",
    ).implies({ preview: 'previews' }),
  ];
}
