import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { allCommands, completedCommand } from '../src/completion/CompletedCommand.js';
import { createProgram } from '../src/createProgram.js';
import { Interruption } from '../src/Interruption.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

using interruption = new Interruption();
const root = completedCommand(await createProgram(interruption, ['completion']), {});
const commands = allCommands(root);
const longFlags = (path: string): string[] =>
  commands
    .find((command) => command.path.join(' ') === path)!
    .options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined))
    .filter((flag) => flag.startsWith('--'));

describe('in bash', () => {
  const folder = temporaryFolder();
  const script = join(folder, 'thimble.bash');
  beforeAll(async () => {
    const { code, stdout } = await runMain(['completion', 'bash']);
    expect(code).toBe(0);
    writeFileSync(script, stdout);
    writeFileSync(join(folder, 'my picture.png'), '');
  });

  /** What bash offers for the last of these words. */
  const complete = (...words: string[]): string[] => {
    const program = `source "$0"; COMP_WORDS=(thimble "$@"); COMP_CWORD=$#; _thimble; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = execFileSync('bash', ['--norc', '-u', '-c', program, script, ...words], { cwd: folder });
    return String(said)
      .split('\n')
      .filter((line) => line !== '');
  };

  test.each([
    [[''], root.commands.flatMap(({ path }) => path)],
    [['gen'], ['generate']],
    [['generate', '--sche'], ['--scheduler']],
    [['generate', 'a cat', '--scheduler', 'un'], ['unipc']],
    [
      ['generate', '--format', ''],
      ['png', 'webp', 'jpg'],
    ],
    [
      ['generate', '--format', '='],
      ['png', 'webp', 'jpg'],
    ],
    [['generate', '--format', '=', 'w'], ['webp']],
    [
      ['video', '--format', ''],
      ['mp4', 'gif', 'webp'],
    ],
    [['generate', '--vae-tiling', 'se'], ['seamless']],
    [['generate', '--vae-tiling', '--vae-s'], ['--vae-slicing']],
    [['generate', '--image', 'my'], ['my picture.png']],
    [['generate', '--seed', ''], []],
    [['generate', 'video', 'cache', ''], []],
    [['inspect', 'my'], ['my picture.png']],
    [['schedulers', 'kdpm2-'], ['kdpm2-ancestral']],
    [
      ['cache', ''],
      ['list', 'size', 'clear'],
    ],
    [['cache', 'clear', '--on'], ['--only']],
    [['cache', 'clear', '--only', 'm'], ['models']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
  ])('%j → %j', (words, expected) => {
    expect(complete(...words).toSorted()).toEqual(expected.toSorted());
  });

  test('every command offers all its options, and no other', () => {
    expect(longFlags('generate')).toEqual(expect.arrayContaining(['--model', '--steps', '--json', '--help']));
    for (const { path } of commands)
      expect(complete(...path, '--').toSorted()).toEqual(longFlags(path.join(' ')).toSorted());
  });
});

test.each([
  ['zsh', (flag: string) => `)${flag}`],
  ['fish', (flag: string) => ` -l ${flag.slice(2)} `],
])('the script for %s has every option of every command', async (shell, written) => {
  const { code, stdout } = await runMain(['completion', shell]);
  expect(code).toBe(0);
  for (const { path } of commands)
    for (const flag of longFlags(path.join(' '))) expect(stdout).toContain(written(flag));
});

test('another shell is refused', async () => {
  expect(await runMain(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/bash, zsh, fish/),
  });
});
