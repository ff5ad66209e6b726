// Makes a picture with the embedded model, by the command line as a user would: npm run demo -- "a car on a yellow background" --seed 7
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = 'packages/thimble/dist/cli.js';
const MODEL = 'models/demo';
const PROMPT = 'a red apple on a blue background';
/** What the model card recommends; the user's options come after and win. */
const SETTINGS = ['--model', MODEL, '--steps', '20', '--guidance', '1.5'];
/** The picture in the README. */
const FIRST_TIME = ['--seed', '7'];

process.chdir(ROOT);
process.exitCode = await demo(process.argv.slice(2));

async function demo(given) {
  for (const needed of [CLI, `${MODEL}/model_index.json`]) {
    if (!existsSync(needed)) return fail(`${needed} is missing: run "npm run setup" in a complete clone`);
  }
  const args = [
    ...((await hasPrompt(given)) ? [] : [PROMPT]),
    ...SETTINGS,
    ...(given.length === 0 ? FIRST_TIME : given),
  ];
  console.error(`$ thimble generate ${args.map(quote).join(' ')}`);
  const child = spawn(process.execPath, [CLI, 'generate', ...args], { stdio: 'inherit' });
  // Ctrl-C reaches the child too, which cleans up; the demo ends when it has.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill());
  const [code] = await once(child, 'exit');
  if (code === 0 && given.length === 0)
    console.error('\nAnother one: npm run demo -- "a car on a yellow background" --seed 7');
  return code ?? 1;
}

/** Asks the command itself which arguments are values of options; what it cannot read it will complain of when it runs. */
async function hasPrompt(args) {
  const { createGenerateCommand } = await import('../packages/thimble/dist/generate/createGenerateCommand.js');
  const { StableDiffusionPipeline } = await import('../packages/core/dist/index.js');
  const command = createGenerateCommand(undefined, StableDiffusionPipeline.optionFields)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  try {
    return command.parseOptions(args).operands.length > 0;
  } catch {
    return false;
  }
}

function quote(argument) {
  return /^[\w./:=,-]+$/.test(argument) ? argument : `"${argument.replace(/["$`\\]/g, '\\$&')}"`;
}

function fail(message) {
  console.error(`demo: ${message}`);
  return 1;
}
