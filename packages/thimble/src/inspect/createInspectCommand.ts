import { Command, Option } from 'commander';
import type { Interruption } from '../Interruption.js';
import { parseSize } from '../generate/parseSize.js';
import { allowSymlinksOption, MODEL_VARIABLE } from '../generate/sharedOptions.js';
import { usage } from '../usage.js';
import type { InspectFlags } from './InspectFlags.js';

const HELP = `
Of a model it reads only configs and the headers of weight files; nothing is
loaded or computed. The weights of a hub id are downloaded first if they are not
in the cache. A picture tells how it was made: prompt, seed and settings, as
thimble and other tools write them into PNG, JPEG and WebP.

Examples:
  $ thimble inspect out/a-red-fox-42.png
  $ thimble inspect ./stable-diffusion-v1-5
  $ thimble inspect ./stable-diffusion-v1-5 --variant fp16 --segments
  $ thimble inspect v1-5-pruned-emaonly.safetensors
  $ thimble inspect ./stable-diffusion-v1-5 --json | jq .bytes
What a picture takes: the weights that each call reads, the values that it has
in memory at once, and the part that sequential offloading has to hold:
  $ thimble inspect ./Z-Image-Turbo --size 1024x1024
What loses most when it computes in int8 (this makes a picture, and then
computes every part once):
  $ thimble inspect ./stable-diffusion-v1-5 --int8
`;

/** `thimble inspect`. */
export function createInspectCommand(interruption: Interruption): Command {
  return new Command('inspect')
    .description('Shows what a model is made of, or how a picture was.')
    .argument(
      '[model]',
      `folder in diffusers' layout, file of weights, hub id "owner/name[@revision]", or a picture (default: ${MODEL_VARIABLE})`,
    )
    .option('--variant <name>', 'which weights to look at where there are several, such as fp16')
    .option('--revision <name>', "a hub id's branch, tag or commit")
    .option('--config <path|id|family>', 'for a file of weights: whose configs to take (default: as its tensors show)')
    .option('--offline', 'never ask the hub, only its cache on disk')
    .addOption(allowSymlinksOption())
    .option('--segments', 'list the segments of every component')
    .addOption(new Option('-s, --size <WxH>', 'show what a picture of so many pixels takes').argParser(parseSize))
    .option('--int8', 'run the model instead, and show how much each part of the denoiser and the VAE loses in int8')
    .option('--json', 'write the report as one JSON object, sizes in bytes; segments are always in it')
    .option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (given: string | undefined, flags: InspectFlags) => {
      const model = given ?? process.env[MODEL_VARIABLE] ?? '';
      if (model === '') usage(`missing what to inspect: a model or a picture; or set ${MODEL_VARIABLE}`);
      const { runInspect } = await import('./runInspect.js');
      await runInspect(model, flags, interruption);
    });
}
