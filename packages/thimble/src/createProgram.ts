import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { createCacheCommand } from './cache/createCacheCommand.js';
import { createCompletionCommand } from './completion/createCompletionCommand.js';
import { createConvertCommand } from './convert/createConvertCommand.js';
import { createGenerateCommand } from './generate/createGenerateCommand.js';
import { createInspectCommand } from './inspect/createInspectCommand.js';
import { createServeCommand } from './serve/createServeCommand.js';
import { createWorkerCommand } from './serve/createWorkerCommand.js';
import { createPlanCommand } from './plan/createPlanCommand.js';
import { createSchedulersCommand } from './schedulers/createSchedulersCommand.js';
import type { Interruption } from './Interruption.js';
import { fitText } from './terminalWidth.js';
import { createVideoCommand } from './video/createVideoCommand.js';

const HELP = `
Examples:
  $ thimble generate "a photo of a cat" --model ./stable-diffusion-v1-5
  $ thimble generate "a photo of a cat" --steps 20 --variant fp16 \\
      --model stable-diffusion-v1-5/stable-diffusion-v1-5
  $ thimble video "a panda plays the guitar" --model ./CogVideoX-2b \\
      --offload sequential
  $ thimble inspect ./stable-diffusion-v1-5
  $ thimble plan ./stable-diffusion-v1-5 --memory 512MB
  $ thimble convert v1-5-pruned.safetensors ./stable-diffusion-v1-5
  $ thimble schedulers
  $ thimble cache list
  $ thimble serve --model ./stable-diffusion-v1-5 --memory 2GB

A MODEL is a folder in diffusers' layout (model_index.json, then a folder with
config.json and safetensors for each part), a file of weights, or the id of one
on the Hugging Face hub, which is looked for in the local cache first and
downloaded if it is not there. THIMBLE_MODEL names the one that is taken where
none is given.

Sizes go by powers of two, everywhere: 1 KB, MB, GB is 2^10, 2^20, 2^30 bytes.

Exit codes:
  0    done
  1    something failed; the message says what
  2    wrong usage: an unknown option, a value that cannot be
  130  stopped by Ctrl-C (129 by a closed terminal, 143 by SIGTERM); nothing is
       left behind

thimble generate --help tells all about making pictures, thimble video --help
about videos.
`;

/** Commands whose flags follow from core's pipelines. */
const NEED_CORE = ['generate', 'video', 'completion'];

/**
 * The command line that `args` are for: its commands, options and help. Core, which has the flags of runs, is loaded only for the commands that run a
 * pipeline. With `--json`, mistakes in its use are only thrown, not told.
 */
export async function createProgram(interruption: Interruption, args: readonly string[]): Promise<Command> {
  const silent = args.includes('--json');
  const runs = args.some((arg) => NEED_CORE.includes(arg));
  const { pictureFields, videoFields } = runs ? await import('./runFields.js') : { pictureFields: {}, videoFields: {} };
  const program = new Command('thimble')
    .description('Makes pictures and videos from text with diffusion models, in very little memory.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', HELP);
  endByThrowing(program, silent);
  for (const command of [
    createGenerateCommand(interruption, pictureFields),
    createVideoCommand(interruption, videoFields),
    createInspectCommand(interruption),
    createPlanCommand(interruption),
    createConvertCommand(interruption),
    createSchedulersCommand(),
    createCacheCommand(interruption),
    createCompletionCommand(() => program),
    createServeCommand(interruption),
    createWorkerCommand(interruption),
  ]) {
    program.addCommand(command);
    for (const each of [command, ...command.commands]) endByThrowing(each, silent);
  }
  return program;
}

function endByThrowing(command: Command, silent: boolean): void {
  const path = pathOf(command);
  command.exitOverride().showHelpAfterError(`(${path} --help tells more)`);
  command.configureOutput({
    outputError: (text, write) => write(fitText(text.replace(/^error: /, 'thimble: '), process.stderr)),
    ...(silent ? { writeErr: () => undefined } : {}),
  });
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}
