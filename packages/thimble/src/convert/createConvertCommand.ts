import { Command, Option } from 'commander';
import type { Interruption } from '../Interruption.js';
import { allowSymlinksOption } from '../generate/sharedOptions.js';
import type { ConvertFlags } from './ConvertFlags.js';

const HELP = `
No model has to be converted to be used; this is for other programs, and for
less disk space. The weights go through piece by piece, in little memory. OUT is
there when it is whole.

Examples:
  $ thimble convert v1-5-pruned.safetensors ./stable-diffusion-v1-5
  $ thimble convert ./stable-diffusion-v1-5 sd15.safetensors --dtype f16
`;

/** `thimble convert`. */
export function createConvertCommand(interruption: Interruption): Command {
  return new Command('convert')
    .description('Writes a model in the other layout, or in another type.')
    .argument('<model>', "folder in diffusers' layout, file of weights, or hub id")
    .argument('<out>', 'what is made: a folder, or a file NAME.safetensors')
    .addOption(
      new Option(
        '--single-file',
        'one file with the original keys (default where OUT is called .safetensors)',
      ).conflicts('diffusers'),
    )
    .option('--diffusers', "a folder in diffusers' layout (default otherwise)")
    .addOption(
      new Option(
        '--dtype <name>',
        'the type of all weights; in eight bits, biases and norms become f16 (default: as they are)',
      ).choices(['f32', 'f16', 'bf16', 'f8_e4m3', 'f8_e5m2']),
    )
    .option('--variant <name>', 'which weights to take where there are several, such as fp16')
    .option('--revision <name>', "a hub id's branch, tag or commit")
    .option('--config <path|id|family>', 'for a file of weights: whose configs to take (default: as its tensors show)')
    .option('--offline', 'never ask the hub, only its cache on disk')
    .addOption(allowSymlinksOption())
    .option('-q, --quiet', 'say nothing but errors')
    .option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (model: string, out: string, flags: ConvertFlags) => {
      const { runConvert } = await import('./runConvert.js');
      await runConvert(model, out, flags, interruption);
    });
}
