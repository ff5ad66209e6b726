// node tools/api.mjs [--check]: writes api.md of every package, the report of its public API; with --check says where it is not what is committed.
// After `npm run build`.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiReports } from './api/apiReport.mjs';
import { packageEntries } from './packageEntries.mjs';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));
const check = process.argv.includes('--check');

/** The page of a package; where it can be imported by several names, each has a section. */
function page(folder, entries) {
  const reports = apiReports(
    folder,
    entries.map(({ entry }) => entry),
  ).map((report) => `\`\`\`ts\n${report}\n\`\`\`\n`);
  const sections = reports.length === 1 ? reports : reports.map((report, i) => `## ${entries[i].name}\n\n${report}`);
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

for (const folder of (await readdir(PACKAGES)).sort()) {
  const entries = await packageEntries(join(PACKAGES, folder));
  const file = join(PACKAGES, folder, 'api.md');
  const now = page(join(PACKAGES, folder), entries);
  if (!check) {
    await writeFile(file, now);
    continue;
  }
  const committed = await readFile(file, 'utf8').catch(() => '');
  if (committed === now) continue;
  console.error(
    `the public API of ${entries[0].name} is not what packages/${folder}/api.md says (${firstDifference(committed, now)}); if that is meant, run npm run api and say it in the changelog`,
  );
  process.exitCode = 1;
}
