import { Command, Option } from 'commander';
import { MODEL_VARIABLE } from '../generate/sharedOptions.js';
import type { Interruption } from '../Interruption.js';
import { addServedOptions, redisOption, resultsOption, servedModel } from './servedOptions.js';
import type { WorkerFlags } from './ServeFlags.js';

const HELP = `
Examples:
  A server that takes jobs in, and two workers, on as many machines:
    $ thimble serve --redis redis://10.0.0.5:6379
    $ thimble worker --redis redis://10.0.0.5:6379 -m sd=./stable-diffusion-v1-5
    $ thimble worker --redis redis://10.0.0.5:6379 -m sd=./stable-diffusion-v1-5

A worker takes jobs of its models alone, first those of the model that it has
open. Where it is lost, another one does its job again, with the same seeds.
The first Ctrl-C, or SIGTERM, has it finish the job that it has; the second
one ends it at once, and leaves the job to others.
It is in a package of its own: npm install @thimble/server bullmq ioredis
`;

/** `thimble worker`. */
export function createWorkerCommand(interruption: Interruption): Command {
  const command = new Command('worker')
    .description('Does the jobs of a server that has them in Redis, on this machine.')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (flags: WorkerFlags) => {
      const { runWorker } = await import('./runWorker.js');
      await runWorker(flags, interruption);
    });
  addServedOptions(command, servedModel().env(MODEL_VARIABLE).makeOptionMandatory(), {
    'Jobs:': [redisOption().makeOptionMandatory()],
    'Results:': [resultsOption('in the same Redis')],
    'Messages:': [new Option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1')],
  });
  return command;
}
