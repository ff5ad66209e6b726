// node tools/api.mjs [--check]: writes api.md of every package, the report of its public API; with --check says where it is not what is committed.
// After `npm run build`.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiReports } from './api/apiReport.mjs';
import { packageEntries } from './packageEntries.mjs';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));
const check = process.argv.includes('--check');

/** The page of a package; where it can be imported by several names, each has a section. */
function page(entries, reports) {
  const blocks = reports.map((report) => `\`\`\`ts\n${report}\n\`\`\`\n`);
  const sections = blocks.length === 1 ? blocks : blocks.map((block, i) => `## ${entries[i].name}\n\n${block}`);
  const title = `# Public API of ${entries[0].name}`;
  return [title, 'Written by `npm run api`; a change here is a change for users.', ...sections].join('\n\n');
}

/** Where two texts part. */
function firstDifference(committed, now) {
  const [a, b] = [committed.split('\n'), now.split('\n')];
  const line = a.findIndex((text, i) => text !== b[i]);
  const at = line < 0 ? a.length : line;
  return `line ${at + 1}: ${JSON.stringify(a[at] ?? '')} is now ${JSON.stringify(b[at] ?? '')}`;
}

const folders = (await readdir(PACKAGES)).sort();
const packages = await Promise.all(
  folders.map(async (folder) => ({
    folder: join(PACKAGES, folder),
    entries: await packageEntries(join(PACKAGES, folder)),
  })),
);
const reports = apiReports(
  packages.map(({ folder, entries }) => ({ folder, entries: entries.map(({ entry }) => entry) })),
);
for (const [i, { folder, entries }] of packages.entries()) {
  const file = join(folder, 'api.md');
  const now = page(entries, reports[i]);
  if (!check) {
    await writeFile(file, now);
    continue;
  }
  const committed = await readFile(file, 'utf8').catch(() => '');
  if (committed === now) continue;
  console.error(
    `the public API of ${entries[0].name} is not what packages/${basename(folder)}/api.md says (${firstDifference(committed, now)}); if that is meant, run npm run api and say it in the changelog`,
  );
  process.exitCode = 1;
}
