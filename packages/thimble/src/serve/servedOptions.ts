import { type Command, Option } from 'commander';
import { wholeNumberFrom } from '../generate/parseNumber.js';
import {
  computingOptions,
  loraDirOption,
  loraOptions,
  memoryOptions,
  modelOptions,
  promptWeightsOption,
  vaeOption,
} from '../generate/sharedOptions.js';
import { parseDuration } from './parseDuration.js';
import { parseModel } from './parseModel.js';

/** Shared options that say something of one run. */
const OF_A_RUN = ['option', 'memoryReport', 'model'];

/** Adds the options of models that wait for requests, and `others` by their headings, between those of models and those of computing. */
export function addServedOptions(command: Command, model: Option, others: Readonly<Record<string, Option[]>>): void {
  command.addOption(model.helpGroup('Models:'));
  const groups: Readonly<Record<string, readonly Option[]>> = {
    'Models:': [...modelOptions(), vaeOption(), ...loraOptions(), loraDirOption(), ...poolOptions()],
    ...others,
    'Computing:': [...computingOptions(), promptWeightsOption()],
    'Memory:': memoryOptions('pictures'),
  };
  for (const [heading, options] of Object.entries(groups))
    for (const option of options)
      if (!OF_A_RUN.includes(option.attributeName())) command.addOption(option.helpGroup(heading));
}

/** The models. */
export function servedModel(): Option {
  return new Option(
    '-m, --model <[name=]path|id>',
    'a folder in diffusers\' layout, or a hub id "owner/name[@revision]", and the name by which requests ask for it; may be repeated, the first one is the default',
  ).argParser((text: string, before: Parameters<typeof parseModel>[1] | undefined) => parseModel(text, before ?? []));
}

/** Where jobs wait. */
export function redisOption(): Option {
  return new Option(
    '--redis <address>',
    'jobs wait in Redis or Valkey, such as redis://10.0.0.5:6379, for workers; needs the packages bullmq and ioredis',
  ).env('THIMBLE_REDIS');
}

/** Where pictures lie. */
export function resultsOption(otherwise: string): Option {
  return new Option(
    '--results <place>',
    `where pictures lie: a folder, redis://…, or s3://BUCKET?endpoint=https://HOST&region=NAME (default: ${otherwise})`,
  );
}

function poolOptions(): Option[] {
  return [
    new Option('--keep <number>', 'models that stay open at once (default: 1)').argParser(wholeNumberFrom(1)),
    new Option(
      '--idle <time>',
      'close a model that nobody used for so long, such as 90s, 10m or 1h (default: 10m)',
    ).argParser(parseDuration),
  ];
}
