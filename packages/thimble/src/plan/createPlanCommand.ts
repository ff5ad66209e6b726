import { Command, Option } from 'commander';
import { numberFrom, wholeNumberFrom } from '../generate/parseNumber.js';
import { parseSize } from '../generate/parseSize.js';
import { memoryLimitOption, MODEL_VARIABLE, qualityOption } from '../generate/sharedOptions.js';
import type { Interruption } from '../Interruption.js';
import { usage } from '../usage.js';
import type { PlanFlags } from './PlanFlags.js';

const HELP = `
Says how a model runs within so much memory, before anything runs: with which
plugins, how much both processes will hold at their most, and how long it takes.
Only configs and the headers of weight files are read. What thimble generate,
video and serve do with the same --memory follows from the same plan.

QUALITY is what may be done to results: exact, near (weights or computing in
eight bits, blended tiles: hard to see) or lossy (another picture).

Examples:
  $ thimble plan ./stable-diffusion-v1-5 --memory 512MB
  $ thimble plan ./stable-diffusion-xl --size 1024x1024 --quality near
  What each amount of memory is good for, drawn:
    $ thimble plan ./stable-diffusion-v1-5 --svg plan.svg
`;

/** `thimble plan`. */
export function createPlanCommand(interruption: Interruption): Command {
  const command = new Command('plan')
    .description('Says how a model runs within so much memory, and how long that takes.')
    .argument(
      '[model]',
      `folder in diffusers' layout, file of weights, or hub id "owner/name[@revision]" (default: ${MODEL_VARIABLE})`,
    )
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', HELP)
    .action(async (given: string | undefined, flags: PlanFlags) => {
      const model = given ?? process.env[MODEL_VARIABLE] ?? '';
      if (model === '') usage(`missing the model to plan for; or set ${MODEL_VARIABLE}`);
      const { runPlan } = await import('./runPlan.js');
      await runPlan(model, flags, interruption);
    });
  for (const option of planOptions()) command.addOption(option);
  return command;
}

function planOptions(): Option[] {
  return [
    memoryLimitOption(),
    new Option('-s, --size <WxH>', "width and height in pixels (default: the model's)").argParser(parseSize),
    new Option('-n, --count <number>', 'pictures in all (default: 1)').argParser(wholeNumberFrom(1)),
    new Option('--steps <number>', "of a run (default: the model's)").argParser(wholeNumberFrom(1)),
    new Option('--guidance <number>', "the guidance scale (default: the model's)").argParser(numberFrom(0)),
    qualityOption('--quality'),
    new Option('--lora <file>', 'a LoRA that will be used; may be repeated').argParser(
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
    ),
    new Option('--svg <file>', 'draw what each amount of memory is good for'),
    new Option('--variant <name>', 'which weights to take where there are several, such as fp16'),
    new Option('--revision <name>', "a hub id's branch, tag or commit"),
    new Option('--config <path|id|family>', 'for a file of weights: whose configs to take'),
    new Option('--offline', 'never ask the hub, only its cache on disk'),
    new Option('--json', 'write one JSON object, sizes in bytes and times in seconds'),
    new Option('--debug', 'show where an error came from; also THIMBLE_DEBUG=1'),
  ];
}
