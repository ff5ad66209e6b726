// Command lines, by `main(argv)`: an exit code that is documented, a code in what is said where it is not 0, and nothing left behind.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { testCheckpoint } from '@thimble/plugin-testkit';
import fc from 'fast-check';
import { FIXTURES } from './fixtures.mjs';
import { oddNumbers, oddTexts } from './oddValues.mjs';

const COMMANDS = ['generate', 'video', 'inspect', 'convert', 'schedulers', 'cache', 'completion', 'serve', 'worker'];
/** A command that still goes on then is interrupted, as by Ctrl-C: a server would go on for ever. */
const INTERRUPT_AFTER_MS = 1500;
const UNEXPECTED = /ERR_(UNEXPECTED|NEVER_FINISHED)/;
const EXIT_CODES = [0, 1, 2, 129, 130, 143];

export const count = 50_000;

export async function open(sandbox) {
  // The command line is built, as users have it.
  const { main } = await import(new URL('../../packages/thimble/dist/main.js', import.meta.url));
  const flags = {};
  for (const command of COMMANDS) flags[command] = await flagsOf(main, command);
  const places = await makePlaces(sandbox);
  const value = fc.oneof(
    { weight: 4, arbitrary: oddTexts },
    { weight: 2, arbitrary: oddNumbers.map(String) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        ...places,
        '1',
        '64x64',
        'x.png',
        'out',
        'euler',
        'sequential',
        'unet',
        'fp16',
        '1GB',
        'list',
        'clear',
        'bash',
      ),
    },
  );
  const inputs = fc
    .constantFrom(
      ...COMMANDS.flatMap((command) =>
        ['serve', 'worker'].includes(command) ? [command] : [command, command, command],
      ),
    )
    .chain((command) =>
      fc.record({
        command: fc.oneof({ weight: 40, arbitrary: fc.constant(command) }, { weight: 1, arbitrary: oddTexts }),
        rest: fc.array(
          fc.oneof(
            { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...flags[command]), value) },
            { weight: 2, arbitrary: value.map((text) => [text]) },
            { weight: 1, arbitrary: fc.constantFrom(...flags[command]).map((flag) => [flag]) },
            {
              weight: 1,
              arbitrary: fc.tuple(fc.constantFrom(...flags[command]), value).map(([flag, text]) => [`${flag}=${text}`]),
            },
            { weight: 1, arbitrary: fc.tuple(fc.constant('--model'), fc.constantFrom(...places)) },
          ),
          { maxLength: 4 },
        ),
      }),
    );
  return {
    inputs: inputs.map(({ command, rest }) => [command, ...rest.flat()]),
    tryOne: async (argv) => {
      sandbox.ask(argv.flatMap((text) => [text, text.slice(text.indexOf('=') + 1)]));
      const { code, stdout, stderr } = await run(main, argv);
      sandbox.clear();
      if (!EXIT_CODES.includes(code)) throw new Error(`exit code ${code}`);
      const said = stdout + stderr;
      // Where an error comes from is told to who asks for it.
      const tooMuch = argv.includes('--debug') ? UNEXPECTED : new RegExp(`${UNEXPECTED.source}|\\n\\s+at .*:\\d+:\\d+`);
      if (tooMuch.test(said)) throw new Error(said.slice(0, 3000));
      const [, told = 'usage'] = /\[(ERR_\w+)\]|"code":"(ERR_\w+)"/.exec(said) ?? [];
      if (code === 1 && told === 'usage' && !said.includes('"code":"ERR_'))
        throw new Error(`exit code 1, and no code in: ${said.slice(0, 3000)}`);
      return code === 0 ? 'exit code 0' : `exit code ${code}, ${told}`;
    },
    close: async () => undefined,
  };
}

async function flagsOf(main, command) {
  const { stdout } = await run(main, [command, '--help']);
  return [...new Set(stdout.match(/(?<=[\s,])--?[a-z][a-z0-9-]*/g) ?? ['--help'])];
}

/** Paths of all kinds: a model, a broken one, a picture, a file without an end, a circle of links. */
async function makePlaces(sandbox) {
  const folder = await sandbox.makeFolder('arguments');
  const at = (name) => join(folder, name);
  await mkdir(at('empty'));
  await writeFile(at('text.json'), '{"a":');
  await writeFile(at('file'), 'x');
  await symlink(at('circle'), at('circle'));
  await mkdir(at('broken'));
  await writeFile(
    at('broken/model_index.json'),
    '{"_class_name":"StableDiffusionPipeline","unet":["diffusers","UNet2DConditionModel"]}',
  );
  return [
    at('empty'),
    at('text.json'),
    at('file'),
    at('circle'),
    at('broken'),
    join(testCheckpoint, 'unet'),
    join(testCheckpoint, 'vae/diffusion_pytorch_model.safetensors'),
    join(FIXTURES, 'lora/peft.safetensors'),
    join(FIXTURES, 'gguf/qwen3'),
    '/dev/zero',
    '/proc/self/fd',
    '/proc',
  ];
}

/** The command line in this process; what it says is kept. */
async function run(main, argv) {
  const said = { stdout: '', stderr: '' };
  const writes = {};
  for (const name of ['stdout', 'stderr']) {
    writes[name] = process[name].write;
    process[name].write = (data, ...rest) => {
      said[name] += typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
      rest.findLast((each) => typeof each === 'function')?.();
      return true;
    };
  }
  const timer = setTimeout(() => process.emit('SIGINT', 'SIGINT'), INTERRUPT_AFTER_MS);
  const { exitCode } = process;
  try {
    return { code: await main(argv), ...said };
  } finally {
    clearTimeout(timer);
    process.exitCode = exitCode;
    Object.assign(process.stdout, { write: writes.stdout });
    Object.assign(process.stderr, { write: writes.stderr });
  }
}
