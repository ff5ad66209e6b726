import { Option } from 'commander';
import { wholeNumberFrom } from '../generate/parseNumber.js';

/** The options of {@link SchedulerFlags}. */
export function schedulerOptions(): Option[] {
  return [
    new Option('--karras', "Karras' noise levels: more steps where little noise is left").conflicts([
      'exponential',
      'beta',
    ]),
    new Option('--exponential', 'noise levels spaced evenly in the logarithm').conflicts(['karras', 'beta']),
    new Option('--beta', 'noise levels spaced as a beta distribution: more steps at both ends').conflicts([
      'karras',
      'exponential',
    ]),
    new Option('--sde', 'dpm: with fresh noise at every step'),
    new Option('--solver-order <number>', 'deis, dpm, unipc: 1, 2 or 3 (default: 2)').argParser(wholeNumberFrom(1)),
    new Option('--spacing <name>', 'which timesteps are visited (default: as the config says)').choices([
      'linspace',
      'leading',
      'trailing',
    ]),
  ];
}
