import { Command, InvalidArgumentError, Option } from 'commander';
import { ExitCode } from '../ExitCode.js';
import { wholeNumberFrom } from '../generate/parseNumber.js';
import { MODEL_VARIABLE } from '../generate/sharedOptions.js';
import type { Interruption } from '../Interruption.js';
import { parseDuration } from './parseDuration.js';
import { addServedOptions, redisOption, resultsOption, servedModel } from './servedOptions.js';
import type { ServeFlags } from './ServeFlags.js';

const HELP = `
What it serves (GET /openapi.json tells all):
  /       a page, for a browser
  /v1/images/generations, /v1/images/edits, /v1/models
          as OpenAI; extra fields: steps, seed, negative_prompt, …
  /sdapi/v1/…
          as AUTOMATIC1111: txt2img, img2img, progress, …
  /jobs   POST takes in a job; its state, events and end are at /jobs/ID
  /health, /ready, /metrics
          for those who watch

Examples:
  $ thimble serve --model ./stable-diffusion-v1-5 --memory 2GB
  Two models, of which one is open at a time, for five minutes without work:
    $ thimble serve -m sd=./stable-diffusion-v1-5 -m lcm=./lcm --idle 5m
  For others in the network, with a token:
    $ THIMBLE_TOKEN=… thimble serve -m ./stable-diffusion-v1-5 --host 0.0.0.0
  For workers on other machines (thimble worker), with jobs in Redis or Valkey:
    $ thimble serve --redis redis://10.0.0.5:6379

The standard output holds the address once it listens; messages go to the
standard error output. The first Ctrl-C, or SIGTERM, has it finish the jobs
that it has and take no more; the second one ends it at once.
It is in a package of its own: npm install @thimble/server
`;

/** `thimble serve`. */
export function createServeCommand(interruption: Interruption): Command {
  const command = new Command('serve')
    .description('Serves models over HTTP, to clients of OpenAI, of AUTOMATIC1111, and to pages.')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (flags: ServeFlags) => {
      const { redis, model, ...others } = flags;
      if (redis === undefined && model === undefined)
        command.error(`error: required option '${servedModel().flags}' not specified`, { exitCode: ExitCode.usage });
      // A model of the environment is this machine's, and not those of workers.
      const named = redis === undefined || command.getOptionValueSource('model') !== 'env';
      const { runServe } = await import('./runServe.js');
      await runServe(named ? flags : { ...others, redis }, interruption);
    });
  addServedOptions(command, servedModel().env(MODEL_VARIABLE), {
    'Listening:': listeningOptions(),
    'Limits:': limitOptions(),
    'Workers:': [redisOption()],
    'Results:': resultOptions(),
    'Messages:': messageOptions(),
  });
  return command;
}

function listeningOptions(): Option[] {
  return [
    new Option('--host <name>', 'where it listens; elsewhere than on 127.0.0.1 it needs a token (default: 127.0.0.1)'),
    new Option('-p, --port <number>', '0 for any that is free (default: 8080)').argParser(wholeNumberFrom(0)),
    new Option(
      '--token <text>',
      'a secret that requests bring, of at least 8 characters; others see it in the list of processes',
    ).env('THIMBLE_TOKEN'),
    new Option(
      '--allow-host <name>',
      'a name by which requests may call it, such as that of a proxy; may be repeated',
    ).argParser(collect),
    new Option(
      '--allow-origin <origin>',
      "other pages' origin that may use it, such as https://example.org; may be repeated",
    ).argParser(collect),
    new Option('--allow-urls', 'read pictures that requests name by an address, from the public internet alone'),
  ];
}

function limitOptions(): Option[] {
  return [
    new Option('--max-queue <number>', 'jobs that may wait (default: 100)').argParser(wholeNumberFrom(0)),
    new Option('--max-images <number>', 'pictures of a request (default: 10)').argParser(wholeNumberFrom(1)),
    new Option('--max-steps <number>', 'steps of a request (default: 150)').argParser(wholeNumberFrom(1)),
    new Option('--max-pixels <number>', 'width × height × pictures of a request (default: 16777216)').argParser(
      wholeNumberFrom(64),
    ),
    new Option('--body-limit <size>', 'bytes of a request, such as 32MB (default)').argParser(parseSize),
    new Option('--rate-limit <number>', 'requests of a client a minute; 0 for any number (default: 600)').argParser(
      wholeNumberFrom(0),
    ),
  ];
}

function resultOptions(): Option[] {
  return [
    resultsOption('in a folder that goes with the server; with --redis: there'),
    new Option('--retain <time>', 'how long jobs and pictures are kept (default: 1h)').argParser(parseDuration),
  ];
}

function messageOptions(): Option[] {
  return [
    new Option(
      '--log-level <level>',
      'what is noted, one JSON object a line, without prompts and tokens (default: warn)',
    ).choices(['silent', 'error', 'warn', 'info', 'debug']),
    new Option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1'),
  ];
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

const SIZE = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i;

function parseSize(text: string): number {
  const [, number, unit = ''] = SIZE.exec(text.trim()) ?? [];
  const bytes = Math.round(Number(number) * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' '));
  if (bytes >= 1) return bytes;
  throw new InvalidArgumentError('Expected a size such as 32MB.');
}
