// Does what CONTRIBUTING.md's walkthroughs say, in a clean clone: writes the files that its code blocks name, makes the edits that its diffs show, runs its
// commands. `node tools/walkthroughs.mjs [HEADING …]` does those whose heading has one of the words.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './packages/command.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BLOCK = /^```(\w+)(?: (\S+))?\n(.*?)^```$/gms;

/** The sections that hold walkthroughs, with their blocks in order. */
function walkthroughs(page) {
  return page
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      title: section.slice(0, section.indexOf('\n')),
      blocks: [...section.matchAll(BLOCK)].map(([, language, file, text]) => ({ language, file, text })),
    }))
    .filter(({ title }) => title.startsWith('Add a'));
}

/** Inserts the lines that a diff adds, each run of them after the line above it. */
function applyDiff(path, diff) {
  let source = readFileSync(path, 'utf8');
  let after;
  for (const line of diff.trimEnd().split('\n')) {
    const text = line.slice(1);
    if (line.startsWith('+')) {
      source = source.replace(`${after}\n`, () => `${after}\n${text}\n`);
      after = text;
    } else if (source.includes(`${text}\n`)) after = text;
    else throw new Error(`${path} has no line ${JSON.stringify(text)}`);
  }
  writeFileSync(path, source);
}

async function follow({ title, blocks }, clone) {
  const started = performance.now();
  for (const { language, file, text } of blocks) {
    if (language === 'sh') await command('bash', ['-euc', text], { cwd: clone, env: { ...process.env, CI: 'true' } });
    else if (language === 'diff') applyDiff(join(clone, file), text);
    else if (file !== undefined) {
      mkdirSync(dirname(join(clone, file)), { recursive: true });
      writeFileSync(join(clone, file), text);
    }
  }
  console.log(`✓ ${title} (${Math.round((performance.now() - started) / 1000)} s)`);
}

const words = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'thimble-walkthroughs-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

const clone = join(folder, 'thimble');
await command('git', ['clone', '--quiet', '--depth=1', `file://${ROOT}`, clone]);
await command('npm', ['run', 'setup'], { cwd: clone });
console.log('✓ cloned, installed and built');
for (const walkthrough of walkthroughs(readFileSync(join(clone, 'CONTRIBUTING.md'), 'utf8'))) {
  if (words.length > 0 && !words.some((word) => walkthrough.title.includes(word))) continue;
  await follow(walkthrough, clone).catch((error) => {
    console.error(`✗ ${walkthrough.title}\n${error.message}`);
    process.exitCode = 1;
  });
}
