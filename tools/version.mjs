// npm run version: turns what .changeset/ holds into changelogs and the packages' next version, and writes that version wherever it is named; then look at it and commit.
// `--check` changes nothing, and exits 1 where a file names another version than the packages have.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './packages/command.mjs';
import { packagesVersion, staleMentions } from './version/mentions.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** To changesets a plugin whose peer leaves its range has changed greatly, and 0.1 is followed by 1.0. Plugins move with core. */
const PEER = /("peerDependencies": \{[^}]*"@thimble\/core": ")workspace:\^"/;

/** That packages depend on each other's new version says nothing where all have one. */
const DEPENDENCIES = /^- Updated dependencies.*\n(?: {2}- .*\n)*/gm;
const EMPTY_SECTION = /^### \w+ Changes\n\n+(?=##? |### |$(?![\s\S]))/gm;

if (process.argv.includes('--check')) {
  const stale = staleMentions(ROOT);
  for (const { file, found } of stale)
    console.error(`${file} names ${found.join()}, and the packages have ${packagesVersion(ROOT)}: run npm run version`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  await writeVersions();
  cleanChangelogs();
  for (const { file, text } of staleMentions(ROOT)) writeFileSync(join(ROOT, file), text);
  console.log(packagesVersion(ROOT));
}

/** Leaves out what says nothing. */
function cleanChangelogs() {
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    const file = join(ROOT, 'packages', name, 'CHANGELOG.md');
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      text
        .replaceAll(DEPENDENCIES, '')
        .replaceAll(EMPTY_SECTION, '')
        .replaceAll(/\n{3,}/g, '\n\n'),
    );
  }
}

/** Manifests stay as they are written, but for the version. */
async function writeVersions() {
  const manifests = readdirSync(join(ROOT, 'packages')).map((name) => join(ROOT, 'packages', name, 'package.json'));
  const before = new Map(manifests.map((file) => [file, readFileSync(file, 'utf8')]));
  for (const [file, text] of before) writeFileSync(file, text.replace(PEER, '$1workspace:>=0"'));
  await command(join(ROOT, 'node_modules/.bin/changeset'), ['version'], { cwd: ROOT }).finally(() => {
    for (const [file, text] of before) {
      const { version } = JSON.parse(readFileSync(file, 'utf8'));
      writeFileSync(file, text.replace(/("version": )"[^"]*"/, `$1"${version}"`));
    }
  });
}
