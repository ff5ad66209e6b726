import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { createProgram } from '../src/createProgram.js';
import { Interruption } from '../src/Interruption.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const pages = execFileSync('git', ['ls-files', '-z', '--', 'README.md', 'docs/*.md', 'packages/*/README.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\0')
  .filter((page) => page !== '' && !page.includes('/template/') && !page.includes('/decisions/'));

/** What pages tell people to type: lines of shell blocks, and such a line within a text that leaves nothing out. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap((match) =>
    (match[1] as string).replaceAll('\\\n', ' ').split('\n'),
  );
  const inline = [...text.matchAll(/`((?:npx )?thimble [a-z][^`\n]*)`/g)]
    .map((match) => match[1] as string)
    .filter((line) => !/[…[\\]|\$\(/.test(line));
  return [...blocks, ...inline].filter((line) => /^(npx )?thimble [a-z]/.test(line));
}

/** As a shell takes them apart; comments are left out. */
const wordsOf = (line: string): string[] =>
  [...line.replace(/ #.*$/, '').matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) =>
    word.replaceAll(/["']/g, ''),
  );

/** The command that words name, and the words behind it. */
function find(command: Command, words: readonly string[]): readonly [Command, readonly string[]] {
  const below = command.commands.find((each) => each.name() === words[0]);
  return below === undefined ? [command, words] : find(below, words.slice(1));
}

test('every command that pages tell of is one, with options and values that it takes', async () => {
  using interruption = new Interruption();
  const commands = pages.flatMap((page) => commandsOf(page).map((line) => [page, line] as const));
  expect(commands.length).toBeGreaterThan(60);
  const problems: string[] = [];
  for (const [page, line] of commands) {
    // A program of its own: parsing sets the values of options. With --json it only throws.
    const program = await createProgram(interruption, ['generate', '--json']);
    const [command, rest] = find(program, wordsOf(line).slice(line.startsWith('npx ') ? 2 : 1));
    try {
      const { unknown } = command.parseOptions([...rest]);
      if (command === program) problems.push(`${page}: ${line}: no such command`);
      if (unknown.length > 0) problems.push(`${page}: ${line}: ${unknown.join(' ')}`);
    } catch (error) {
      problems.push(`${page}: ${line}: ${(error as Error).message}`);
    }
  }
  expect(problems).toEqual([]);
});
