import { Command } from 'commander';
import type { Interruption } from '../Interruption.js';
import type { InspectFlags } from './InspectFlags.js';

const HELP = `
Reads only configs and the headers of weight files; nothing is loaded or computed. The weights of a hub id are downloaded first if
they are not in the cache.

Examples:
  $ thimble inspect ./stable-diffusion-v1-5
  $ thimble inspect ./stable-diffusion-v1-5 --variant fp16 --segments
  $ thimble inspect ./stable-diffusion-v1-5 --json | jq .bytes
What loses most when it computes in int8 (this makes a picture, and then computes every part once):
  $ thimble inspect ./stable-diffusion-v1-5 --int8
`;

/** `thimble inspect`. */
export function createInspectCommand(interruption: Interruption): Command {
  return new Command('inspect')
    .description('Shows what a model is made of: components, parameters, types, sizes, segments.')
    .argument('<model>', 'folder in diffusers\' layout, or hub id "owner/name[@revision]"')
    .option('--variant <name>', 'which weights to look at where there are several, such as fp16')
    .option('--revision <name>', "a hub id's branch, tag or commit")
    .option('--offline', 'never ask the hub, only its cache on disk')
    .option('--segments', 'list the segments of every component')
    .option('--int8', 'run the model instead, and show how much each part of the denoiser and the VAE loses in int8')
    .option('--json', 'write the report as one JSON object, sizes in bytes; segments are always in it')
    .option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (model: string, flags: InspectFlags) => {
      const { runInspect } = await import('./runInspect.js');
      await runInspect(model, flags, interruption);
    });
}
