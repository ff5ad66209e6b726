import { Command, Option } from 'commander';
import type { Interruption } from '../Interruption.js';
import type { ClearFlags } from './ClearFlags.js';

const HELP = `
Two folders hold what thimble keeps: models of the Hugging Face hub, which
Python's huggingface_hub shares (HF_HUB_CACHE, HF_HOME), and weights that
thimble made of models, such as those of --int8 and --fp8 (THIMBLE_CACHE; of
these, what was not used for long goes by itself beyond THIMBLE_CACHE_SIZE,
20GB). What a running thimble uses stays; of other programs it does not know.

Examples:
  $ thimble cache list
  $ thimble cache clear stable-diffusion-v1-5/stable-diffusion-v1-5
  All that thimble made, without being asked:
    $ thimble cache clear --only weights --yes
`;

/** `thimble cache`, with a command for each thing that can be done. */
export function createCacheCommand(interruption: Interruption): Command {
  const command = new Command('cache')
    .description('Lists, measures and clears downloaded models and made weights.')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', HELP);
  const json = (): Option => new Option('--json', 'write one JSON object, sizes in bytes');
  command
    .command('list')
    .description('show each model and each piece of made weights, with its size and last use')
    .addOption(json())
    .addOption(debug())
    .action(async (flags: { readonly json?: boolean }) => (await import('./runCache.js')).listCache(flags));
  command
    .command('size')
    .description('show how much it is in all')
    .addOption(json())
    .addOption(debug())
    .action(async (flags: { readonly json?: boolean }) => (await import('./runCache.js')).sizeCache(flags));
  command
    .command('clear')
    .description('remove what is not in use: all, or one by its name')
    .argument('[name]', 'a model, "owner/name", or made weights, as list shows them')
    .addOption(new Option('--only <what>', 'all of one kind').choices(['models', 'weights']))
    .addOption(new Option('-y, --yes', 'do not ask; in a pipe nobody is asked'))
    .addOption(debug())
    .action(async (name: string | undefined, flags: ClearFlags) =>
      (await import('./clearCache.js')).clearCache(name, flags, interruption.signal),
    );
  for (const each of command.commands) each.helpOption('-h, --help', 'print this help');
  return command;
}

function debug(): Option {
  return new Option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1');
}
