import { Command, Option } from 'commander';
import { wholeNumberFrom } from '../generate/parseNumber.js';
import { schedulerOptions } from './schedulerOptions.js';
import type { SchedulersFlags } from './SchedulersFlags.js';

const HELP = `
Every scheduler is shown as Stable Diffusion uses it. TAKES names the options of
thimble generate that have an effect with it; CALLS is how often the model is
called in the given number of steps. Wide terminals and --json show the classes.

Examples:
  $ thimble schedulers
  $ thimble schedulers unipc euler --steps 10 --json
  The noise levels of all of them, drawn:
    $ thimble schedulers --svg sigmas.svg
`;

/** `thimble schedulers`. */
export function createSchedulersCommand(): Command {
  const command = new Command('schedulers')
    .description('Lists the schedulers, what they take, and how their noise levels fall.')
    .argument('[name...]', 'only these')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .addOption(new Option('--steps <number>', 'of the run that is shown').argParser(wholeNumberFrom(1)).default(20))
    .addOption(new Option('--svg <file>', 'draw the noise level at every step'))
    .addOption(new Option('--json', 'write one JSON object, with the timesteps and noise levels of each'))
    .addOption(new Option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1'))
    .action(async (names: string[], flags: SchedulersFlags) => {
      const { runSchedulers } = await import('./runSchedulers.js');
      await runSchedulers(names, flags);
    });
  for (const option of schedulerOptions()) command.addOption(option);
  return command;
}
