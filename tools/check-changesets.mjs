// node tools/check-changesets.mjs [FOLDER]: says which packages' sources have changed since the last commit that touched their CHANGELOG.md while no
// file in .changeset/ names them; exits 1 if there are any. What is not committed yet counts as changed.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isShallow, packagesWithoutChangeset } from './changesets/packagesWithoutChangeset.mjs';

const root = resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
if (isShallow(root)) console.warn('not checked: the history is cut off here (git fetch --unshallow)');
const missing = isShallow(root) ? [] : packagesWithoutChangeset(root);
for (const { name, since, files } of missing) {
  const more = files.length > 3 ? ` and ${files.length - 3} more` : '';
  console.error(
    `${name} has changed since ${since} (${files.slice(0, 3).join(', ')}${more}), and no file in .changeset/ says so: run npm run changeset`,
  );
}
if (missing.length > 0) process.exitCode = 1;
